-- By which key a token is hashed: one made with another key opens nothing, and is told apart. None
-- of a token of an earlier release.
ALTER TABLE token ADD COLUMN pepper TEXT;
