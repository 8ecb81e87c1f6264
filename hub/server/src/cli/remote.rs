//! Asks the API of a running hub.

#![expect(
    clippy::disallowed_types,
    reason = "a person's own client, for the hub that `--url` names"
)]

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::output::{Code, Fault};
use super::{Shared, serve};
use crate::access;

/// Largest answer that is read: a whole page of the largest orders is far below.
const MOST_BYTES: usize = 16 << 20;
/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// One call; the answer's JSON, or a fault with the exit code that belongs to its status.
pub(super) fn call(
    shared: &Shared,
    method: Method,
    path: &[&str],
    query: &[(&str, Option<&str>)],
) -> Result<Value, Fault> {
    call_if(shared, method, path, query, None)
}

/// A call that counts only while the thing is at the version that was seen.
pub(super) fn call_if(
    shared: &Shared,
    method: Method,
    path: &[&str],
    query: &[(&str, Option<&str>)],
    seen: Option<u64>,
) -> Result<Value, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    runtime.block_on(send(shared, method, path, query, seen))
}

async fn send(
    shared: &Shared,
    method: Method,
    path: &[&str],
    query: &[(&str, Option<&str>)],
    seen: Option<u64>,
) -> Result<Value, Fault> {
    let client = Client::builder().timeout(ANSWER_WITHIN);
    let answer = ask(client, shared, method, path, (query, seen)).await?;
    let status = answer.status();
    let body = body(answer).await?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() { Ok(value) } else { Err(fault(status, &value)) }
}

/// One request; its answer has begun, whatever its status.
async fn ask(
    client: ClientBuilder,
    shared: &Shared,
    method: Method,
    path: &[&str],
    (query, seen): (&[(&str, Option<&str>)], Option<u64>),
) -> Result<Response, Fault> {
    // Installed by the first; a second changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut url = reqwest::Url::parse(&shared.url)
        .map_err(|error| Fault::new(Code::Usage, format!("`--url {}`: {error}", shared.url)))?;
    match url.path_segments_mut() {
        Ok(mut segments) => {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        Err(()) => return Err(Fault::new(Code::Usage, format!("`--url {}`", shared.url))),
    }
    let given: Vec<_> = query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let client = client.no_proxy().build();
    let client = client.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let mut request = client.request(method, url).query(&given);
    if let Some(token) = token(shared)? {
        request = request.bearer_auth(token.expose_secret());
    }
    if let Some(seen) = seen {
        request = request.header(reqwest::header::IF_MATCH, format!("\"{seen}\""));
    }
    request.send().await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let message = format!("no hub answers at {}: {}", shared.url, cause.unwrap_or_default());
        Fault::new(Code::Unreachable, message)
            .hint("start it with `orderhub run -c orderhub.toml`, or name it with `--url`")
    })
}

/// Reads server-sent events until `take` has enough or the hub ends them: the name of each, and its data.
pub(super) fn events(
    shared: &Shared,
    path: &[&str],
    filter: Option<(&str, &str)>,
    take: impl FnMut(&str, &str) -> bool,
) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    runtime.block_on(async {
        let query: Vec<_> = filter.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let client = Client::builder().connect_timeout(ANSWER_WITHIN).read_timeout(ANSWER_WITHIN);
        let answer = ask(client, shared, Method::GET, path, (&query, None)).await?;
        let status = answer.status();
        if !status.is_success() {
            let problem = serde_json::from_slice(&body(answer).await?).unwrap_or_default();
            return Err(fault(status, &problem));
        }
        read(answer, take).await
    })
}

/// An event is lines up to an empty one; what is no `event:` or `data:` keeps the connection alive.
async fn read(mut answer: Response, mut take: impl FnMut(&str, &str) -> bool) -> Result<(), Fault> {
    let broke = |error| Fault::new(Code::Unreachable, format!("the hub has gone: {error}"));
    let (mut waiting, mut event) = (Vec::new(), String::new());
    while let Some(part) = answer.chunk().await.map_err(broke)? {
        if waiting.len() + part.len() > MOST_BYTES {
            return Err(Fault::new(Code::Problems, "an event is too large"));
        }
        waiting.extend_from_slice(&part);
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if let Some(name) = line.strip_prefix("event:") {
                name.trim_start().clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data:")
                && !take(&event, data.trim_start())
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The access token, from the file that is named or from the environment; never an argument, which every
/// user of the machine could read.
fn token(shared: &Shared) -> Result<Option<SecretString>, Fault> {
    let hint = "`orderhub token create` makes a token, for the hub's settings and for this file";
    let text = match &shared.token_file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| {
            let message = format!("cannot read the token file `{}`: {error}", file.display());
            Fault::new(Code::Usage, message).hint(hint)
        })?,
        None => serve::environment().remove("ORDERHUB_TOKEN").unwrap_or_default(),
    };
    let token = SecretString::from(text.trim());
    if token.expose_secret().is_empty() {
        return Ok(None);
    }
    if !access::is_whole(&token) {
        let from = shared.token_file.as_ref().map(|file| format!("the file `{}`", file.display()));
        let from = from.unwrap_or_else(|| "the variable ORDERHUB_TOKEN".to_owned());
        let message = format!("{from} does not hold a whole access token");
        return Err(Fault::new(Code::Usage, message).hint(hint));
    }
    Ok(Some(token))
}

/// Reads the answer, up to the bound: whoever answers at the URL may not be a hub.
async fn body(mut answer: Response) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(part) = answer
        .chunk()
        .await
        .map_err(|error| Fault::new(Code::Unreachable, format!("the answer broke off: {error}")))?
    {
        if body.len() + part.len() > MOST_BYTES {
            let message = format!("the answer is larger than {} MiB", MOST_BYTES >> 20);
            return Err(Fault::new(Code::Problems, message)
                .hint("ask for less: a smaller `--limit`, or a narrower filter"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn fault(status: StatusCode, problem: &Value) -> Fault {
    let detail = problem.pointer("/detail").and_then(Value::as_str);
    let message = detail.map_or_else(|| format!("the hub answers {status}"), str::to_owned);
    let code = match status.as_u16() {
        404 => Code::NotFound,
        300 | 409 | 412 | 428 => Code::Conflict,
        429 | 503 | 504 => Code::Later,
        400..=499 => Code::Usage,
        _ => Code::Problems,
    };
    let fault = Fault::new(code, message);
    if status == StatusCode::UNAUTHORIZED {
        return fault.hint(
            "put the token into a file and name it with `--token-file FILE`, or set ORDERHUB_TOKEN; \
             `orderhub token create` makes one, and its hash goes into the hub's settings",
        );
    }
    let candidates = problem.pointer("/candidates").and_then(Value::as_array);
    match candidates {
        Some(candidates) => {
            let names = candidates.iter().filter_map(|c| {
                Some(format!("{} ({})", c.get("ref")?.as_str()?, c.get("id")?.as_str()?))
            });
            fault.hint(format!("one of {}", names.collect::<Vec<_>>().join(", ")))
        }
        None => fault,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread::JoinHandle;

    use super::*;
    use crate::cli::output::Output;

    /// The arguments of a command that asks there.
    pub(in crate::cli) fn asking(url: String) -> Shared {
        Shared { output: Output::Json, url, token_file: None, log_format: None, log: None }
    }

    /// Answers with these bodies, a connection each; then gives the first line of each request.
    pub(in crate::cli) fn canned(bodies: &[&str]) -> (String, JoinHandle<Vec<String>>) {
        let bodies: Vec<(u16, &str)> = bodies.iter().map(|body| (200, *body)).collect();
        answering(&bodies)
    }

    /// The same with their statuses.
    pub(in crate::cli) fn answering(bodies: &[(u16, &str)]) -> (String, JoinHandle<Vec<String>>) {
        let answers = bodies.iter().map(|(status, body)| {
            let head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length");
            format!("{head}: {}\r\n\r\n{body}", body.len())
        });
        let answers: Vec<_> = answers.collect();
        serve(answers.len(), move |place, stream| {
            stream.write_all(answers[place].as_bytes()).unwrap();
        })
    }

    fn serve(
        calls: usize,
        answer: impl Fn(usize, &mut TcpStream) + Send + 'static,
    ) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let run = move || {
            let one = |place| {
                let (mut stream, _) = listener.accept().unwrap();
                let head = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
                let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
                answer(place, &mut stream);
                head[0].clone()
            };
            (0..calls).map(one).collect()
        };
        (url, std::thread::spawn(run))
    }

    #[test]
    fn an_answer_without_end_is_not_read_for_ever() {
        let (url, _asked) = serve(1, |_, stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
            // Ends when the other side hangs up.
            while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
        });
        let fault = call(&asking(url), Method::GET, &["orders"], &[]).unwrap_err();
        assert_eq!(fault.message, "the answer is larger than 16 MiB");
        assert!(fault.hint.is_some());
    }
}
