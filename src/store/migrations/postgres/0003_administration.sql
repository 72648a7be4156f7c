-- As sqlite/0003.
CREATE TABLE admin_token (
    key_id  text COLLATE "C" NOT NULL PRIMARY KEY,
    name    text COLLATE "C" NOT NULL,
    role    text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'editor')),
    digest  bytea NOT NULL CHECK (length(digest) = 32),
    created bigint NOT NULL,
    revoked bigint
);

CREATE TABLE deed (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    actor      text NOT NULL,
    what       text NOT NULL,
    tenant     text COLLATE "C",
    subject    text NOT NULL,
    outcome    text NOT NULL,
    before     text,
    after      text,
    request_id text NOT NULL
);
