-- living_tokens --
-- What opens something still: whose it is, what its secret hashes to, and for how long. Whoever has
-- ended may still check in by it, and is told to pause; it comes back by none.
SELECT token.token_id, identity.agent_id, token.purpose, token.secret_sha256, token.rights,
       extract(epoch FROM token.expires_at - now())::float8
  FROM core.tokens AS token
  JOIN core.identities AS identity ON identity.identity_id = token.identity_id
 WHERE token.token_id = ANY (%(token_ids)s::bigint[])
   AND token.revoked_at IS NULL AND token.expires_at > now()
   AND (token.purpose = 'access' OR identity.status NOT IN ('archived', 'disabled', 'deleted'));

-- mark_tokens --
-- They were shown: once an hour is told. Who is being marked by another needs no word of ours.
UPDATE core.tokens AS token
   SET last_used_at = date_trunc('hour', now())
 WHERE token.token_id IN (
       SELECT t.token_id FROM core.tokens AS t
        WHERE t.token_id = ANY (%(token_ids)s::bigint[])
          AND t.last_used_at IS DISTINCT FROM date_trunc('hour', now())
        ORDER BY t.token_id
          FOR UPDATE SKIP LOCKED);

-- issue_token --
-- A token for an agent that may have one; gives its number and its end.
INSERT INTO core.tokens (identity_id, purpose, secret_sha256, rights, issued_by, expires_at)
SELECT identity.identity_id, %(purpose)s, %(secret_sha256)s, %(rights)s::text[], %(issued_by)s,
       now() + make_interval(days => %(days)s)
  FROM core.identities AS identity
 WHERE identity.agent_id = %(agent)s
   AND identity.status NOT IN ('archived', 'disabled', 'deleted')
RETURNING token_id, expires_at;

-- crowded_tokens --
-- Living tokens of an agent beyond the newest so many.
SELECT token.token_id
  FROM core.tokens AS token
  JOIN core.identities AS identity ON identity.identity_id = token.identity_id
 WHERE identity.agent_id = %(agent)s AND token.purpose = %(purpose)s
   AND token.revoked_at IS NULL AND token.expires_at > now()
 ORDER BY token.token_id DESC
OFFSET %(keep)s;

-- forget_tokens --
-- For good: nobody will ask what became of them.
DELETE FROM core.tokens WHERE token_id = ANY (%(token_ids)s::bigint[]);

-- revoke_token --
-- Ends a token, once; gives whose it was.
UPDATE core.tokens AS token
   SET revoked_at = now()
  FROM core.identities AS identity
 WHERE identity.identity_id = token.identity_id
   AND token.token_id = %(token_id)s AND token.revoked_at IS NULL
   AND (%(agent)s::text IS NULL OR identity.agent_id = %(agent)s)
RETURNING identity.agent_id;

-- revoke_tokens --
-- Ends every token of an agent.
UPDATE core.tokens AS token
   SET revoked_at = now()
  FROM core.identities AS identity
 WHERE identity.identity_id = token.identity_id AND identity.agent_id = %(agent)s
   AND token.revoked_at IS NULL
RETURNING token.token_id;

-- tokens_of --
-- What an agent was given that opens something still; never what opens it.
SELECT token.token_id, token.purpose, token.rights, token.issued_by, token.created_at,
       token.expires_at, token.last_used_at
  FROM core.tokens AS token
  JOIN core.identities AS identity ON identity.identity_id = token.identity_id
 WHERE identity.agent_id = %(agent)s
   AND token.revoked_at IS NULL AND token.expires_at > now()
 ORDER BY token.token_id DESC
 LIMIT 64;

-- sweep_tokens --
-- Some of those that ended a month ago.
DELETE FROM core.tokens AS token
 WHERE token.token_id IN (
       SELECT t.token_id FROM core.tokens AS t
        WHERE least(t.expires_at, t.revoked_at) < now() - interval '30 days'
        ORDER BY t.token_id LIMIT %(limit)s);
