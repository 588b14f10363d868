"""Reads of the log about who acts: the list of actors, and all about one of them.

What is about one actor takes the scope of that actor (`Scope.of_actor`): no read takes an actor's
id beside a scope, so none can be asked about somebody whom the scope does not hold.
"""
