"""No secret stands in the database in plain text: not in a column, not in a byte of its files."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from audit_core.domain.access import Permission
from audit_core.identity.api_tokens import add_token
from audit_core.identity.login import check_password
from audit_core.identity.sessions import issue_code
from audit_core.state.database import State
from audit_core.state.tables import metadata
from tests.support.ada import NOW, PASSWORD, WRONG, Ada


def test_secrets_are_nowhere_in_the_files(state: State, ada: Ada, tmp_path: Path) -> None:
    with state.begin() as connection:
        _, token = add_token(
            connection,
            organization_id="org-a",
            name="n",
            verbs={Permission.INGEST.value},
            now=NOW,
            expires_at=None,
        )
        code = issue_code(connection, account_id=ada.id, now=NOW)
    session = ada.sign_in()
    for password in (PASSWORD, WRONG):
        check_password(state, email=ada.email, password=password, address="::1", now=NOW, cost=4)
    secrets = [token, token.removeprefix("sandtrail_"), code, session, PASSWORD, WRONG]

    with state.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for cell in row:
                    assert not any(secret in str(cell) for secret in secrets), table.name
    state.close()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), path.name
