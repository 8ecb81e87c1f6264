//! The settings that the demonstration runs the hub with: the text that an operator would write, with
//! the secret in an environment of its own.

use std::collections::HashMap;
use std::path::Path;

use crate::config::{self, ConfigError, Loaded};

/// The variable that holds the secret of all twins.
pub(super) const SECRET: &str = "DEMO_SECRET";

/// The settings for a database, a folder of mapping files and the systems (name, base URL).
pub(super) fn of(
    work: &Path,
    mappings: &Path,
    systems: &[(String, String)],
) -> Result<Loaded, ConfigError> {
    let quoted = |text: String| toml_text(&text);
    let store = quoted(format!("sqlite:{}", work.join("orderhub.db").display()));
    let mappings = quoted(mappings.display().to_string());
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = {store}\n[mappings]\npath = {mappings}\n\
         [egress]\nallow_private = [\"127.0.0.1/32\"]\n"
    );
    for (name, url) in systems {
        let (integration, secrets, settings) = about(name);
        let url = quoted(url.clone());
        text.push_str(&format!(
            "[systems.{name}]\nintegration = \"{integration}\"\nbase_url = {url}\n\
             [systems.{name}.settings]\n{settings}[systems.{name}.secrets]\n"
        ));
        for secret in secrets {
            text.push_str(&format!("{secret} = {{ env = \"{SECRET}\" }}\n"));
        }
    }
    config::parse("the demonstration", &text, &HashMap::new())
}

/// A basic string: TOML and JSON escape alike.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Integration, names of secrets and settings of a twin, by its name.
fn about(system: &str) -> (&'static str, &'static [&'static str], &'static str) {
    match system {
        "erp" => ("rest_erp", &["token", "webhook"], ""),
        "wms" => ("rest_wms", &["token", "webhook"], ""),
        "tms" => ("rest_tms", &["password", "webhook"], ""),
        "sink" => ("sink", &[], ""),
        _ => (
            "shopify",
            &["client_secret", "webhook"],
            "client_id = \"app\"\nmoney = \"shop_money\"\nlocation_id = \"1\"\n",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_settings_that_the_hub_takes() {
        let systems = ["shop_eu", "erp", "wms", "tms", "sink"]
            .map(|name| (name.to_owned(), "http://127.0.0.1:9001".to_owned()));
        let loaded = of(Path::new("/tmp/a \"b\""), Path::new("/tmp/m"), &systems).unwrap();
        assert_eq!(loaded.config.systems.len(), 5);
    }
}
