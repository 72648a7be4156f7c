-- Secrets of OAuth clients have the form of tokens and are kept beside them. A release before this
-- one takes them for tokens that nobody presents.
ALTER TABLE token ADD COLUMN kind TEXT NOT NULL DEFAULT 'token'
    CHECK (kind IN ('token', 'client_secret'));

-- Every gateway reads once a second which secrets were revoked of late.
CREATE INDEX token_by_revocation ON token (revoked) WHERE revoked IS NOT NULL;
