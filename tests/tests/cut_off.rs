//! A reader whose machine is cut off: no connection closes, and the broker learns of it by heartbeats alone. The next
//! reader must not begin before the broker has given out again what the former one held.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::broker::{Broker, Message, shared_url};
use orderhub_tests::database::Schema;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::line::Line;
use orderhub_tests::settings::Settings;
use orderhub_tests::wait;
use tempfile::TempDir;
use tokio::time::Instant;

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of a system that nobody knows: each is stored as it comes.
fn message(id: usize) -> Message {
    let headers = vec![("x-system", "nobody".to_owned())];
    Message { id: Some(id.to_string()), headers, body: format!("{{\"id\":{id}}}").into_bytes() }
}

async fn hub(folder: &Path, store: &str, broker: &str, queue: &str) -> Hub {
    let port = free_port();
    Settings::new(port).store(store).queue(broker, queue).write(folder);
    Hub::start(folder, port).await
}

async fn stored(schema: &Schema, count: usize) -> Vec<String> {
    wait::until(&format!("{count} messages are stored"), PATIENCE, || async {
        Some(schema.message_ids().await).filter(|ids| ids.len() >= count)
    })
    .await
}

/// With heartbeats of 5 s the lease is free after 5 s, and the broker has let go after 10 to 15.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_reader_waits_until_the_broker_has_let_go_of_one_that_is_cut_off() {
    let (schema, queue) = (Schema::new(), format!("cut-off-{}", free_port()));
    let broker = Broker::connect(&shared_url()).await;
    broker.quorum_queue(&queue, None).await;
    let (store, bus) = (Line::to(&schema.url()).await, Line::to(&shared_url()).await);
    let folders: [TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let _first = hub(folders[0].path(), store.url(), bus.url(), &queue).await;
    broker.publish(&queue, (0..10).map(message)).await;
    stored(&schema, 10).await;
    let second = hub(folders[1].path(), &schema.url(), &shared_url(), &queue).await;

    // It is given as much as it may hold, stores nothing more of it, and nobody is told.
    store.fall_silent();
    bus.fall_silent();
    let cut = Instant::now();
    broker.publish(&queue, (10..1_500).map(message)).await;
    stored(&schema, 11).await;
    let taken_over = cut.elapsed();
    let ids = stored(&schema, 1_500).await;
    println!("the next reader read {taken_over:?} after the cut");
    let expected: Vec<String> = (0..1_500).map(|id| id.to_string()).collect();
    assert!(ids == expected, "read out of order: {:?} …", &ids[..40]);
    assert!(taken_over < Duration::from_secs(20), "{taken_over:?}");
    assert!(second.terminate().await.success());
}
