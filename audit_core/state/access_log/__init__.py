"""Recording what people and programs do with Sandtrail, in the transaction of the deed."""
