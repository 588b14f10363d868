"""Admin → Sources: where webhooks come in, and who may add and remove."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_membership
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.sealed_key import unseal
from audit_core.sources.webhooks.endpoint import Endpoint, add_endpoint, endpoints_of
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "admin/sources.py"
HOSTILE = "<script>*x*</script> :red[y]"


def add(seeded: Seeded, name: str, organization_id: str = ALPHA) -> Endpoint:
    with seeded.installation.state.begin() as connection:
        return add_endpoint(
            connection,
            organization_id=organization_id,
            daytona_organization_id=organization_id,
            name=name,
            secret=new_secret(),
            installation_key=seeded.installation.key,
            actor="somebody",
            now=seeded.clock(),
        )


def kept(seeded: Seeded) -> list[Endpoint]:
    with seeded.installation.state.read() as connection:
        return endpoints_of(connection, ALPHA)


def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> None:
    (button,) = [item for item in app.button if item.key == key]
    button.click().run()
    assert not app.exception


def shown(app: AppTest) -> str:
    return "\n".join(str(item.value) for item in [*app.text, *app.code, *app.markdown])


def test_each_is_shown_with_its_address_and_without_its_secret(
    open_app: Open, seeded: Seeded
) -> None:
    own, foreign = add(seeded, HOSTILE), add(seeded, "Of others", BETA)
    found = shown(page(open_app("admin@example.org")))
    assert HOSTILE in found and f"/api/v1/webhooks/daytona/{own.id}" in found
    assert foreign.id not in found and "whsec_" not in found


def test_who_manages_the_organization_adds_one_and_sees_a_made_secret_once(
    open_app: Open, seeded: Seeded
) -> None:
    app = page(open_app("admin@example.org"))
    (submit,) = [item for item in app.button if item.label == "Add webhook"]
    submit.click().run()
    assert not app.exception
    (endpoint,) = kept(seeded)
    secret = unseal(endpoint.sealed_secret, seeded.installation.key)
    assert secret in shown(app) and endpoint.id in shown(app)
    assert secret not in shown(page(app))
    (event,) = seeded.events("webhook.added")
    assert (event.actor, event.organization_id) == ("admin@example.org", ALPHA)
    assert secret not in str(event.detail)


def test_who_manages_the_organization_removes_one(open_app: Open, seeded: Seeded) -> None:
    endpoint = add(seeded, "Daytona")
    app = page(open_app("admin@example.org"))
    press(app, f"webhook_{endpoint.id}_remove")
    assert kept(seeded) == []
    assert len(seeded.events("webhook.removed")) == 1


def test_a_secret_of_daytona_is_taken_and_what_is_none_is_refused(
    open_app: Open, seeded: Seeded
) -> None:
    app = page(open_app("admin@example.org"))
    secret = new_secret()
    for given in ("whsec_short", secret):
        (field,) = [item for item in app.text_input if item.label == "Signing secret"]
        field.set_value(given)
        (submit,) = [item for item in app.button if item.label == "Add webhook"]
        submit.click().run()
        assert not app.exception
        assert given not in shown(app)
        assert bool(app.error) == (given != secret)
    (endpoint,) = kept(seeded)
    assert unseal(endpoint.sealed_secret, seeded.installation.key) == secret


def test_who_only_sends_entries_sees_and_changes_nothing(open_app: Open, seeded: Seeded) -> None:
    endpoint = add(seeded, "Daytona")
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.INGEST: None},
        )
    app = page(open_app("member@example.org"))
    assert endpoint.id in shown(app)
    assert not [item for item in app.button if (item.key or "").startswith("webhook_")]
