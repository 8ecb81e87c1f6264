//! The laws of all conversions, and what each reads and writes, as data.
