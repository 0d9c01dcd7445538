-- Who is the writer, who reads where, and what reading both sides has shown. Depends on 0021, 0022.
-- depends: 0022.add-following
-- ensure: SELECT count(*) = 3 FROM pg_catalog.pg_class WHERE oid IN (to_regclass('legacy.epochs'), to_regclass('legacy.readers'), to_regclass('legacy.differences'))
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_attribute WHERE attrelid = 'legacy.runs'::regclass AND attname = 'seen_at'

ALTER TABLE legacy.runs ADD COLUMN seen_at timestamptz;

CREATE TABLE legacy.epochs (
    epoch          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    directory      text NOT NULL,
    kind           text NOT NULL CONSTRAINT epochs_kind_check CHECK (kind IN ('cutover', 'rollback')),
    begun_at       timestamptz NOT NULL DEFAULT now(),
    fenced_at      timestamptz,
    turned_at      timestamptz,
    finished_at    timestamptz,
    marker         text,
    modes          jsonb NOT NULL DEFAULT '{}'
                   CONSTRAINT epochs_modes_check CHECK (jsonb_typeof(modes) = 'object'),
    compared       bigint CONSTRAINT epochs_compared_check CHECK (compared >= 0),
    sha256         bytea CONSTRAINT epochs_sha256_check CHECK (length(sha256) = 32),
    archive        text,
    refused        text
);
CREATE INDEX epochs_directory_epoch_idx ON legacy.epochs (directory, epoch DESC);

CREATE TABLE legacy.readers (
    directory     text NOT NULL,
    reader        text NOT NULL,
    side          text NOT NULL DEFAULT 'old'
                  CONSTRAINT readers_side_check CHECK (side IN ('old', 'new')),
    switched_at   timestamptz,
    compared      bigint NOT NULL DEFAULT 0 CONSTRAINT readers_compared_check CHECK (compared >= 0),
    stale         bigint NOT NULL DEFAULT 0 CONSTRAINT readers_stale_check CHECK (stale >= 0),
    stale_seconds double precision NOT NULL DEFAULT 0
                  CONSTRAINT readers_stale_seconds_check CHECK (stale_seconds >= 0),
    own           bigint NOT NULL DEFAULT 0 CONSTRAINT readers_own_check CHECK (own >= 0),
    differing     bigint NOT NULL DEFAULT 0
                  CONSTRAINT readers_differing_check CHECK (differing >= 0),
    clean_since   timestamptz,
    compared_at   timestamptz,
    PRIMARY KEY (directory, reader)
);

CREATE TABLE legacy.differences (
    directory text NOT NULL,
    reader    text NOT NULL,
    asked     text NOT NULL,
    kind      text NOT NULL CONSTRAINT differences_kind_check
              CHECK (kind IN ('missing', 'stale', 'type', 'order', 'meaning')),
    old       text,
    new       text,
    found_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (directory, reader, asked)
);
