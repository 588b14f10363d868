"""What a tab holds does not grow with how often its page runs."""

from streamlit.testing.v1 import AppTest


def test_a_chart_that_changes_with_each_run_leaves_nothing_behind() -> None:
    app = AppTest.from_function(draw_changing_chart)
    kept = [app.run().session_state["kept"] for _ in range(6)]
    assert not app.exception
    assert max(kept) <= 2  # the chart, and the one of the run before


def draw_changing_chart() -> None:
    import plotly.graph_objects as go
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from pages.parts.shell import session

    session.forget_gone_widgets()
    number = st.session_state.get("number", 0) + 1
    st.session_state["number"] = number
    st.plotly_chart(go.Figure(go.Bar(y=[number])), key="chart", on_select=lambda: None)
    context = get_script_run_ctx()
    assert context is not None
    widgets = context.session_state._state._new_widget_state
    st.session_state["kept"] = len(widgets.widget_metadata)
