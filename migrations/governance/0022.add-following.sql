-- What follow has seen of the old rows, and what it could not apply. Depends on 0021.
-- depends: 0021.create-legacy
-- ensure: SELECT count(*) = 2 FROM pg_catalog.pg_class WHERE oid IN (to_regclass('legacy.followed'), to_regclass('legacy.failures'))

CREATE TABLE legacy.followed (
    file       text NOT NULL,
    part       text NOT NULL,
    key_sha256 bytea NOT NULL CONSTRAINT followed_key_sha256_check CHECK (length(key_sha256) = 32),
    unit       text NOT NULL,
    row_sha256 bytea NOT NULL CONSTRAINT followed_row_sha256_check CHECK (length(row_sha256) = 32),
    PRIMARY KEY (file, part, key_sha256)
);

CREATE TABLE legacy.failures (
    file            text NOT NULL,
    part            text NOT NULL,
    unit            text NOT NULL,
    reason          text NOT NULL,
    tries           bigint NOT NULL DEFAULT 1 CONSTRAINT failures_tries_check CHECK (tries >= 1),
    first_failed_at timestamptz NOT NULL DEFAULT now(),
    last_failed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file, part, unit)
);
