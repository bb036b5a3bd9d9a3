"""Makes what containers trust each other by: an authority, a certificate for each, and secrets: `python deploy/keys.py FOLDER`.

Each reader has a folder of its own in it, which becomes a volume that no other container sees. What is there stays as it is; a certificate
that ends within a month is made anew.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

APPLICATION_USER = 10001
"""Who runs multiflux in its image (Dockerfile)."""
SERVER_USERS = {"postgres": 999, "rabbitmq": 999, "mosquitto": 1883, "influxdb": 1000, "issuer": 1001}
"""Who runs the others in theirs: each folder is that user's alone."""
KEEPERS = ("access", "metering", "forecast", "lighting", "comparison")
"""Services with a database."""
CALLERS = ("metering", "forecast", "lighting", "comparison", "dashboard", "console")
"""Services that sign in at access."""

_AUTHORITY = "authority"
_AUTHORITY_LIFE = timedelta(days=3650)
_LIFE = timedelta(days=397)
_RENEWED_BEFORE = timedelta(days=30)
_SKEW = timedelta(minutes=5)
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o400
_PASSWORD_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """Who signs the certificates of this installation, and nobody else's."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def make_all(folder: Path, *, now: datetime, public_names: tuple[str, ...] = ()) -> list[str]:
    """Make what is missing, and return the names of the readers whose certificate is new; the dashboard's holds `public_names` too."""
    authority = _authority(folder / _AUTHORITY, now)
    renewed: list[str] = []
    for reader in ("access", *CALLERS, *SERVER_USERS):
        own = folder / reader
        own.mkdir(parents=True, exist_ok=True)
        names = (reader, "localhost", "127.0.0.1", *(public_names if reader == "dashboard" else ()))
        if _certified(own, authority, names, now):
            renewed.append(reader)
    _share_secrets(folder)
    for reader in ("access", *CALLERS, *SERVER_USERS):
        _give(folder / reader, SERVER_USERS.get(reader, APPLICATION_USER))
    return renewed


def _share_secrets(folder: Path) -> None:
    for service in CALLERS:
        _shared(folder, f"{service}/service-secret", f"access/services/{service}")
    for service in KEEPERS:
        _shared(folder, f"{service}/database-password", f"postgres/passwords/{service}")
        _shared(folder, "rabbitmq/password", f"{service}/broker-password")
    _shared(folder, "postgres/superuser-password")
    _shared(folder, "influxdb/password")
    _shared(folder, "influxdb/token", "metering/influxdb-token")
    password = (folder / "rabbitmq/password").read_text(encoding="utf-8")
    _write(folder / "rabbitmq/login.conf", f"default_user = multiflux\ndefault_pass = {password}\n".encode())


def _shared(folder: Path, source: str, *copies: str) -> None:
    """Make a secret unless it is there, and give it to who else must know it."""
    if not (folder / source).exists():
        _write(folder / source, secrets.token_urlsafe(_PASSWORD_BYTES).encode())
    for copy in copies:
        _write(folder / copy, (folder / source).read_bytes())


def _authority(folder: Path, now: datetime) -> Authority:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_PRIVATE_FOLDER)
    if (folder / "certificate.pem").exists():
        return Authority(certificate=_certificate(folder), key=_key(folder))
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "multiflux installation")])
    certificate = (
        _builder(name, name, key, now, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, SHA256())
    )
    _write_key(folder, key)
    _write(folder / "certificate.pem", certificate.public_bytes(Encoding.PEM))
    return Authority(certificate=certificate, key=key)


def _certified(own: Path, authority: Authority, names: tuple[str, ...], now: datetime) -> bool:
    """Make a certificate for the names unless a good one is there; tell whether one was made."""
    if (own / "certificate.pem").exists() and _is_good(_certificate(own), authority, names, now):
        return False
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    signing = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(subject, authority.certificate.subject, key, now, _LIFE)
        .add_extension(x509.SubjectAlternativeName(list(_alternatives(names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signing), critical=False)
        .sign(authority.key, SHA256())
    )
    _write_key(own, key)
    _write(own / "authority.pem", authority.certificate.public_bytes(Encoding.PEM))
    _write(own / "certificate.pem", certificate.public_bytes(Encoding.PEM))
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: tuple[str, ...]) -> Iterator[x509.GeneralName]:
    for name in names:
        try:
            yield x509.IPAddress(ip_address(name))
        except ValueError:
            yield x509.DNSName(name)


def _is_good(certificate: x509.Certificate, authority: Authority, names: tuple[str, ...], now: datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, InvalidSignature):
        return False
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(held) == list(_alternatives(names)) and certificate.not_valid_after_utc > now + _RENEWED_BEFORE


def _certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def _key(folder: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError(f"{folder / 'key.pem'} holds no key that was made here")
    return key


def _write_key(folder: Path, key: EllipticCurvePrivateKey) -> None:
    _write(folder / "key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, and is never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _give(folder: Path, user: int) -> None:
    """Make the folder one user's alone; who is not root has no other user to give it to."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(_PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE)
        if os.geteuid() == 0:
            os.chown(path, user, user)


if __name__ == "__main__":
    made = make_all(Path(sys.argv[1]), now=datetime.now(UTC), public_names=tuple(sys.argv[2:]))
    sys.stdout.write(f"new certificates: {', '.join(made) or 'none'}\n")
