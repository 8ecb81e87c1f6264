//! `orderhub.toml`: where things run. Defaults, then the file, then `ORDERHUB__SECTION__KEY`.

/// The deployment's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {}
