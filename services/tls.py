"""A certificate authority for the house, and the server certificates it signs."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.secrets import Vault

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
RENEW_BEFORE_DAYS = 60


def authority(vault: Vault) -> str:
    """The house's CA certificate in PEM, made on first use with its key beside it."""
    key = _key(vault, "ca.key")
    return vault.keep("ca.crt", lambda: _sign("abode CA", key, key, None, None))


def server(vault: Vault, what: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Certificate and key in PEM for a server; renewed when it nears its end."""
    ca_pem = authority(vault)
    ca_key, key = _key(vault, "ca.key"), _key(vault, f"{what}.key")
    ca = x509.load_pem_x509_certificate(ca_pem.encode())

    def sign() -> str:
        return _sign(what, key, ca_key, ca, names)

    pem = vault.keep(f"{what}.crt", sign)
    left = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc - datetime.now(UTC)
    if left < timedelta(days=RENEW_BEFORE_DAYS):
        pem = vault.renew(f"{what}.crt", sign())
    return pem, _pem(key)


def _key(vault: Vault, what: str) -> ec.EllipticCurvePrivateKey:
    pem = vault.keep(what, lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{what} is not an elliptic-curve key")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode().strip()  # fmt: skip


def _sign(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate | None,
    names: tuple[str, ...] | None,
) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A Pi or a Mac whose clock is a little behind must not refuse a new certificate.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=SERVER_DAYS if ca else AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=ca is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
    )
    if ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_name(name) for name in names or ()]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    else:
        builder = builder.add_extension(_signs_only(), critical=True)
    signed = builder.sign(ca_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode().strip()


def _signs_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
