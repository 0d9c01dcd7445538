"""Secrets are made once, kept closed, and not written before a deploy is executed."""

import stat

from cryptography import x509

from services import tls
from services.secrets import Vault, scram_verifier, verifies


def test_a_secret_is_made_once(tmp_path):
    """The same in one process, and the same in the next once it is written."""
    vault = Vault(tmp_path / "secrets")
    made = vault.get("a")

    assert vault.get("a") == made
    vault.write()
    assert Vault(tmp_path / "secrets").get("a") == made


def test_nothing_is_written_before_it_is_told(tmp_path):
    """A plan leaves no trace."""
    Vault(tmp_path / "secrets").get("a")

    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read(tmp_path):
    """Directory 0700, files 0600."""
    vault = Vault(tmp_path / "secrets")
    vault.get("a")
    vault.write()

    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "a").stat().st_mode) == 0o600


def test_a_verifier_knows_its_password():
    """RFC 5802, as Postgres stores it; the salt differs each time."""
    assert verifies(scram_verifier("hush"), "hush")
    assert not verifies(scram_verifier("hush"), "Hush")
    assert not verifies("md5abc", "hush")
    assert not verifies(None, "hush")
    assert scram_verifier("hush") != scram_verifier("hush")


def test_a_verifier_equals_the_servers():
    """A known pair, as PostgreSQL 17 made it for the password 'hush' with this salt."""
    salt = bytes(range(16))
    said = scram_verifier("hush", salt)

    assert said.startswith("SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$")


def test_the_certificate_names_its_server_and_is_signed_by_the_house(tmp_path):
    """A client that checks the name against the CA gets in."""
    vault = Vault(tmp_path)
    pem, _ = tls.server(vault, "postgres", ("localhost", "127.0.0.1"))
    leaf = x509.load_pem_x509_certificate(pem.encode())
    ca = x509.load_pem_x509_certificate(tls.authority(vault).encode())

    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert tls.server(vault, "postgres", ("localhost", "127.0.0.1"))[0] == pem


def test_a_certificate_near_its_end_is_renewed(tmp_path, monkeypatch):
    """The deploy brings a new one, signed by the same CA, with the same key."""
    vault = Vault(tmp_path)
    monkeypatch.setattr(tls, "SERVER_DAYS", tls.RENEW_BEFORE_DAYS - 1)
    old, key = tls.server(vault, "postgres", ("localhost",))
    monkeypatch.undo()

    new, same_key = tls.server(vault, "postgres", ("localhost",))
    assert new != old
    assert same_key == key
