//! Every story of `tests/data/stories` and every rule of `tests/data/rules`, against the fold in memory and
//! against each store.
//! `STORY=name` plays one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub::store::Store;
use orderhub::store::postgres::{self, PostgresStore};
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub_tests::database::Schema;
use orderhub_tests::stories::memory::MemoryWorld;
use orderhub_tests::stories::run::play;
use orderhub_tests::stories::store::StoreWorld;
use orderhub_tests::stories::story::{Story, read, settings};

#[test]
fn every_story_comes_out_right() {
    play_all("data/stories", On::Memory);
}

#[test]
fn every_rule_of_the_fold_holds() {
    play_all("data/rules", On::Memory);
}

#[test]
fn every_story_comes_out_right_on_sqlite() {
    play_all("data/stories", On::Sqlite);
}

#[test]
fn every_rule_of_the_fold_holds_on_sqlite() {
    play_all("data/rules", On::Sqlite);
}

#[test]
fn every_story_comes_out_right_on_postgres() {
    play_all("data/stories", On::Postgres);
}

#[test]
fn every_rule_of_the_fold_holds_on_postgres() {
    play_all("data/rules", On::Postgres);
}

/// What stories are played against.
#[derive(Clone, Copy)]
enum On {
    Memory,
    Sqlite,
    Postgres,
}

fn play_all(folder: &str, on: On) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let common = read(&root.join("data/stories/_systems.yaml"));
    let only = std::env::var("STORY").ok();
    let mut wrong = Vec::new();
    for file in files(&root.join(folder)) {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let story: Story = read(&file);
        let rules = Arc::new(settings(&story, &common));
        let differences = match on {
            On::Memory => play(&story, &rules, &mut MemoryWorld::new(Arc::clone(&rules))),
            On::Sqlite => {
                let place = tempfile::tempdir().expect("a folder");
                let options = Options::at(place.path().join("orderhub.db"));
                let open = move || {
                    let store = SqliteStore::open(&options).expect("a store");
                    Box::pin(async { Arc::new(store) as Arc<dyn Store> }) as BoxFuture<'static, _>
                };
                play(&story, &rules, &mut StoreWorld::new(Box::new(open), (*rules).clone()))
            }
            On::Postgres => {
                let place = Schema::new();
                let options = postgres::Options::at(place.url(), "here");
                let open = move || {
                    let options = options.clone();
                    Box::pin(async move {
                        let store = PostgresStore::open(&options).await.expect("a store");
                        Arc::new(store) as Arc<dyn Store>
                    }) as BoxFuture<'static, _>
                };
                play(&story, &rules, &mut StoreWorld::new(Box::new(open), (*rules).clone()))
            }
        };
        wrong.extend(differences.into_iter().map(|it| format!("{name}: {it}\n    {}", story.why)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of stories");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".yaml") && !name.starts_with('_')
    });
    files.sort();
    assert!(!files.is_empty(), "{} holds no story", folder.display());
    files
}
