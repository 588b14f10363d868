import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit_core.domain.errors import SettingsError
from audit_core.runtime.signing_key import read_key


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    key = read_key(path)
    assert len(key) == 32
    assert read_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret.key"]


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read_key, [path] * 40))) == 1


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(b"")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="holds 0 bytes"):
        read_key(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    read_key(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="other users"):
        read_key(path)


def test_a_key_in_an_impossible_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="its folder does not exist and cannot be made"):
        read_key(tmp_path / "file" / "secret.key")
