-- Bodies are written otherwise from here on. A store of schema 1 is refused (`StoreError::Unreleased`):
-- no release wrote one, and its bodies are read no more.
SELECT 1;
