"""A person's client: its token reads their own, and nothing once it is not declared any more."""

import urllib.error
import urllib.request
import uuid

ADA, EVE = (str(uuid.uuid4()) for _ in range(2))


def status(standing, path, token):
    """Of a question with a token."""
    url = f"http://127.0.0.1:{standing.hosts.mac.soulfra_port}/soulfra/v1/{path}"
    try:
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_persons_client(standing, hosts_toml):
    """Made by a deploy, kept by the next, gone when it is not declared any more."""
    said = hosts_toml.read_text()
    for user in (ADA, EVE):
        standing.run(str(standing.bin / "abode"), "soulfra", "do", "register-user",
                     f"user_id={user}", f"username=u{user}", f"email={user}@x.org")  # fmt: skip
    hosts_toml.write_text(f'{said}\n[mac.soulfra_clients]\nada = {{ user = "{ADA}" }}\n')
    standing.deploy("-y")
    secret = standing.state / "secrets" / "soulfra_client_ada"
    token, before = secret.read_text().strip(), standing.started()

    assert secret.stat().st_mode & 0o777 == 0o600
    assert [status(standing, f"users/{user}", token) for user in (ADA, EVE)] == [200, 404]
    assert token not in standing.docker("inspect", standing.called("soulfra"))
    again = standing.deploy("-y")
    assert token not in again.stdout + again.stderr
    assert standing.started() == before
    assert secret.read_text().strip() == token

    hosts_toml.write_text(said)
    standing.deploy("-y")
    assert status(standing, f"users/{ADA}", token) == 401
    assert not secret.exists()
