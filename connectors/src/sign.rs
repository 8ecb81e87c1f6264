//! The declarative signer and verifier.
