//! Callers of several hubs, as behind a load balancer that asks who is ready.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::http::client;
use crate::orders::Order;

/// Callers at once.
const CALLERS: u64 = 4;
/// How often each hub is asked whether it is ready.
const ASK: Duration = Duration::from_millis(250);

/// Running callers. Each order is handed in once; a call that fails is a panic at the end.
#[derive(Debug)]
pub struct Balanced {
    taken: Arc<AtomicU64>,
    stop: CancellationToken,
    asking: JoinHandle<()>,
    callers: JoinSet<Result<(), String>>,
}

impl Balanced {
    /// Calls the hubs at these addresses until the end.
    pub fn start(urls: Vec<String>) -> Self {
        let (taken, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let ready = Arc::new(Mutex::new(urls.clone()));
        let asking = tokio::spawn(ask(urls, Arc::clone(&ready), stop.clone()));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(call(Arc::clone(&ready), Arc::clone(&taken), stop.clone()));
        }
        Self { taken, stop, asking, callers }
    }

    /// Orders that were handed in.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Ends the callers; how many orders were taken.
    ///
    /// # Panics
    ///
    /// A call has failed.
    pub async fn end(mut self) -> u64 {
        self.stop.cancel();
        while let Some(ended) = self.callers.join_next().await {
            ended.expect("a caller ends").expect("no call fails");
        }
        (&mut self.asking).await.expect("the asking ends");
        self.taken()
    }
}

async fn ask(urls: Vec<String>, ready: Arc<Mutex<Vec<String>>>, stop: CancellationToken) {
    let client = client();
    while !stop.is_cancelled() {
        let mut now = Vec::new();
        for url in &urls {
            let answer = client.get(format!("{url}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                now.push(url.clone());
            }
        }
        *ready.lock().expect("the list") = now;
        tokio::time::sleep(ASK).await;
    }
}

async fn call(
    ready: Arc<Mutex<Vec<String>>>,
    taken: Arc<AtomicU64>,
    stop: CancellationToken,
) -> Result<(), String> {
    let client = client();
    while !stop.is_cancelled() {
        let number = taken.fetch_add(1, Ordering::SeqCst) + 1;
        let hubs = ready.lock().expect("the list").clone();
        let turn = usize::try_from(number).unwrap_or(0) % hubs.len().max(1);
        let hub = hubs.get(turn).ok_or("no hub is ready")?;
        let body = Order::paid("shop_eu", number, 1).body();
        let url = format!("{hub}/api/v1/intake/shop_eu/order_rest");
        let call = client.post(url).header("content-type", "application/json").body(body);
        let answer = call.send().await.map_err(|error| format!("order {number}: {error}"))?;
        if !answer.status().is_success() {
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            return Err(format!("order {number}: {status}: {text}"));
        }
    }
    Ok(())
}
