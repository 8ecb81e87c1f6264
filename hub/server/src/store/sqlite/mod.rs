//! The embedded store: one writer thread, WAL, `synchronous=FULL`, four readers with a deadline.
