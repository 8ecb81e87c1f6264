//! Settings as data: `tests/data/config/`, each with what is set and what must come of it.

use std::collections::HashMap;

use orderhub_order::ids::SystemName;

use super::load::REFERENCE;
use super::{Config, Mode, Rate, Secrets, parse, show};

fn env(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_example_of_the_interfaces_is_understood() {
    let text = include_str!("../../tests/data/config/whole.toml");
    let config = parse("orderhub.toml", text, &env(&[])).unwrap().config;
    let shop = config.systems.get(&SystemName::new("shop_eu")).unwrap();
    assert_eq!(shop.mode, Mode::Live);
    assert_eq!(shop.limits["orders"].rate, "1/s".parse::<Rate>().unwrap());
    assert_eq!(config.bus.unwrap().consume["orders"].queue, "orders.in");
}

#[test]
fn the_environment_overrides_the_file_and_origins_say_so() {
    let text = include_str!("../../tests/data/config/whole.toml");
    let set = env(&[
        ("ORDERHUB__SYSTEMS__SHOP_EU__SETTINGS__COMPANY", "007"),
        ("ORDERHUB__SYSTEMS__SHOP_EU__TAGS", "home,fast"),
        ("ORDERHUB__BUS__PREFETCH", "64"),
        ("ORDERHUB_URL", "not a setting"),
    ]);
    let loaded = parse("orderhub.toml", text, &set).unwrap();
    let shop = &loaded.config.systems[&SystemName::new("shop_eu")];
    assert_eq!(shop.settings["company"], "007", "leading zeros stay");
    assert_eq!(shop.tags, ["home", "fast"]);
    let shown = show(&loaded, false);
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(
        line("bus.prefetch = 64").ends_with("# the environment: ORDERHUB__BUS__PREFETCH"),
        "{shown}"
    );
    let set = show(&loaded, true);
    assert!(set.contains("bus.prefetch = 64") && !set.contains("# default"), "{set}");
    assert!(line("bus.url").ends_with("# orderhub.toml"), "{shown}");
    assert!(line("store.seen_days").ends_with("# default"), "{shown}");
}

#[test]
fn neither_settings_nor_their_debug_form_show_a_password() {
    let text = include_str!("../../tests/data/config/whole.toml");
    let loaded = parse("orderhub.toml", text, &env(&[])).unwrap();
    let all = format!("{}{:?}", show(&loaded, false), loaded);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(all.contains("amqp://guest:***@127.0.0.1"), "{all}");
}

/// One file of `tests/data/config/refused/` each: settings, and in comments at the top every line of
/// the report.
#[test]
fn wrong_settings_are_refused_in_words() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config/refused");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Vec<_> =
            text.lines().map_while(|line| line.strip_prefix("# ")).map(str::to_owned).collect();
        let report = parse("orderhub.toml", &text, &env(&[])).unwrap_err();
        assert_eq!(report.0, expected, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 10, "{seen} cases");
}

#[test]
fn the_reference_states_the_defaults() {
    let mut stated: serde_json::Value = config::Config::builder()
        .add_source(config::File::from_str(REFERENCE, config::FileFormat::Toml))
        .build()
        .unwrap()
        .try_deserialize()
        .unwrap();
    let actual = serde_json::to_value(Config::default()).unwrap();
    // An empty place of a secret stands for none.
    for secret in ["password", "search_key"] {
        stated["store"].as_object_mut().unwrap().remove(secret).unwrap();
    }
    stated["telemetry"].as_object_mut().unwrap().remove("headers").unwrap();
    for table in ["server", "store", "intake", "mappings", "egress", "log", "telemetry"] {
        assert_eq!(stated[table], actual[table], "[{table}]");
    }
}

#[test]
fn a_secret_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first\n").unwrap();
    let secrets = Secrets::new(env(&[("TOKEN", "third")]));
    let refs = [super::SecretRef::File(file.clone()), super::SecretRef::Env("TOKEN".to_owned())];
    assert_eq!(secrets.values(&refs), ["first", "third"]);
    std::fs::write(&file, "second one\n").unwrap();
    assert_eq!(secrets.values(&refs), ["second one", "third"]);
}

#[test]
fn a_secret_that_is_not_there_is_named_with_its_setting() {
    let text = include_str!("../../tests/data/config/whole.toml");
    let config = parse("orderhub.toml", text, &env(&[])).unwrap().config;
    let missing =
        Secrets::new(env(&[("SHOP_EU_CLIENT_SECRET", "t")])).all_there(&config).unwrap_err();
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(
        missing[0].starts_with("`systems.shop_eu.secrets.webhook`: cannot read"),
        "{missing:?}"
    );
}

#[test]
fn a_database_is_named_without_its_password() {
    let text = "[store]\nurl = \"postgres://hub@db:5432/orders?sslmode=require\"\npassword = { env = \"STORE\" }\n";
    let loaded = parse("orderhub.toml", text, &env(&[])).unwrap();
    let shown = show(&loaded, false);
    assert!(
        shown.contains("store.url = \"postgres://hub@db:5432/orders?sslmode=require\""),
        "{shown}"
    );
    let missing = Secrets::new(env(&[])).all_there(&loaded.config).unwrap_err();
    assert_eq!(missing, ["`store.password`: environment variable `STORE` is not set"]);
    let hunter = [
        "//hub:hunter2@db/o",
        "//hub:hun@ter2@db/o",
        "//hub@db/o?password=hunter2",
        "//hub:hunter2",
    ];
    for url in hunter {
        let text = format!("[store]\nurl = \"postgres:{url}\"\n");
        let refused = parse("orderhub.toml", &text, &env(&[])).unwrap_err().to_string();
        assert!(!refused.contains("ter2"), "{refused}");
    }
}
