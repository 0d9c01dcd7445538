-- The files of discoveries that were loaded, so that each can be given back as it was.
-- depends: 0012.add-supersession
-- ensure: SELECT to_regclass('core.discovery_files') IS NOT NULL

CREATE TABLE core.discovery_files (
    file      text PRIMARY KEY,
    sha256    bytea NOT NULL
              CONSTRAINT discovery_files_sha256_check CHECK (length(sha256) = 32),
    loaded_at timestamptz NOT NULL DEFAULT now(),
    role      text NOT NULL DEFAULT current_user,
    form      jsonb NOT NULL
              CONSTRAINT discovery_files_form_check CHECK (jsonb_typeof(form) = 'object')
);
