//! What is found out of a connector before anything goes wrong: which answers it takes at each point, and by which of
//! them a call comes to an end.
//!
//! Bounds: [`MOST_STATES`] looked at for the plain way of asking, [`MOST_STATES_MORE`] for another one,
//! [`MOST_FRUITLESS`] of them without an answer to a step, [`MOST_ENDS`] from which an end is looked for, [`MOST_STEPS`]
//! steps of one call.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderhub_connectors::contract::{Answer, Connector, Memo, NextStep, Request};

use super::inputs::Inputs;

/// Points of a call that are looked at for the plain way of asking, and for the end of a call.
const MOST_STATES: usize = 240;
/// The same for another way of asking, which only leads elsewhere at a few points.
const MOST_STATES_MORE: usize = 40;
/// Points at which no answer to a step is found, until it counts as one that has none; for the plain way of asking.
const MOST_FRUITLESS: u32 = 20;
/// The same for another way of asking.
const MOST_FRUITLESS_MORE: u32 = 2;
/// Points at which a step is due from which an end is looked for.
const MOST_ENDS: u32 = 3;
/// Steps of one call.
const MOST_STEPS: usize = 120;

/// What a memo is known by.
pub(crate) fn print(memo: &Memo) -> u64 {
    let mut hasher = DefaultHasher::new();
    memo.to_bytes().hash(&mut hasher);
    hasher.finish()
}

/// The same, whatever the last answer was.
fn place(memo: &Memo) -> u64 {
    print(&Memo { body: None, ..memo.clone() })
}

/// Answers by the point at which they are given.
pub(crate) type Choices = HashMap<u64, Answer>;

fn is_missing(found: &[Way], wanted: &[String], step: &String) -> bool {
    wanted.contains(step) && found.iter().all(|way| way.step != *step)
}

/// A way to a step, and from there to an end.
pub(crate) struct Way {
    pub(crate) step: String,
    /// The call when the step is due.
    pub(crate) memo: Memo,
    pub(crate) choices: Choices,
}

/// A connector with one way of asking an operation.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) inputs: Inputs,
    kept: Mutex<Kept>,
}

/// What was found out.
#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<u64, Arc<[Answer]>>,
    /// How often no answer was found, by step and element.
    fruitless: HashMap<(u32, u32), u32>,
}

/// What comes next at a point.
pub(crate) enum Point {
    Send(Box<Request>),
    Done,
    /// It cannot go on.
    Stuck,
}

impl Known {
    pub(crate) fn new(connector: Arc<dyn Connector>, inputs: Inputs) -> Self {
        Self { connector, inputs, kept: Mutex::default() }
    }

    /// What comes next; what waits is waited for.
    pub(crate) fn next(&self, memo: &mut Memo) -> Point {
        let call = self.inputs.call(1);
        for _ in 0..2 {
            match self.connector.next(&call, memo) {
                Ok(NextStep::Send(request)) => return Point::Send(request),
                Ok(NextStep::Done(_)) => return Point::Done,
                Ok(NextStep::Wait(_)) => memo.go_on(),
                Ok(NextStep::Part(_)) | Err(_) => return Point::Stuck,
            }
        }
        Point::Stuck
    }

    /// The answers that are taken here; none for a step for which too often none was found.
    pub(crate) fn answers(&self, memo: &Memo) -> Arc<[Answer]> {
        let at = print(memo);
        if let Some(found) = self.kept().answers.get(&at) {
            return Arc::clone(found);
        }
        let most = if self.inputs.plain { MOST_FRUITLESS } else { MOST_FRUITLESS_MORE };
        let place = (memo.step, memo.position);
        if self.kept().fruitless.get(&place).is_some_and(|times| *times >= most) {
            return Arc::from([]);
        }
        let invents = self.connector.invents();
        let found = invents.map(|invents| invents.answers(&self.inputs.call(1), memo));
        let found: Arc<[Answer]> = found.unwrap_or_default().into();
        let mut kept = self.kept();
        if found.is_empty() {
            *kept.fruitless.entry(place).or_default() += 1;
        }
        kept.answers.insert(at, Arc::clone(&found));
        found
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memo after an answer; `None`: it is not taken.
    pub(crate) fn after(&self, memo: &Memo, answer: &Answer) -> Option<Memo> {
        let mut after = memo.clone();
        self.connector.answer(&self.inputs.call(1), &mut after, answer).ok()?;
        Some(after)
    }

    /// A way to each of these steps that can be reached, and from there to an end. Points at which a step is due that
    /// was not seen yet come first; nothing more is looked for once all are found.
    pub(crate) fn ways(&self, wanted: &[String]) -> Vec<Way> {
        let most = if self.inputs.plain { MOST_STATES } else { MOST_STATES_MORE };
        let mut found: Vec<Way> = Vec::new();
        let mut met: HashMap<String, u32> = HashMap::new();
        let mut seen = HashSet::new();
        let mut open = VecDeque::from([(Memo::default(), Choices::new())]);
        while let Some((mut memo, way)) = open.pop_front() {
            let Point::Send(request) = self.next(&mut memo) else { continue };
            if !seen.insert(place(&memo)) {
                continue;
            }
            if seen.len() > most {
                break;
            }
            let times = met.entry(request.step.clone()).or_default();
            *times += 1;
            if *times <= MOST_ENDS
                && is_missing(&found, wanted, &request.step)
                && let Some(end) = self.end(&memo, None)
            {
                let choices = way.clone().into_iter().chain(end).collect();
                self.along(memo.clone(), &choices, (wanted, &mut found));
                if found.len() == wanted.len() {
                    return found;
                }
            }
            // The one that says most is to be looked at first.
            for answer in self.answers(&memo).iter().rev() {
                let Some(mut after) = self.after(&memo, answer) else { continue };
                let mut way = way.clone();
                way.insert(print(&memo), answer.clone());
                match self.next(&mut after) {
                    Point::Send(next) if !met.contains_key(&next.step) => {
                        open.push_front((after, way));
                    }
                    Point::Send(_) => open.push_back((after, way)),
                    Point::Done | Point::Stuck => {}
                }
            }
        }
        found
    }

    /// All that is wanted on a way to the end.
    fn along(
        &self,
        mut memo: Memo,
        choices: &Choices,
        (wanted, found): (&[String], &mut Vec<Way>),
    ) {
        for _ in 0..MOST_STEPS {
            let Point::Send(request) = self.next(&mut memo) else { return };
            if is_missing(found, wanted, &request.step) {
                let (memo, choices) = (memo.clone(), choices.clone());
                found.push(Way { step: request.step.clone(), memo, choices });
            }
            let answer = choices.get(&print(&memo));
            let Some(after) = answer.and_then(|answer| self.after(&memo, answer)) else { return };
            memo = after;
        }
    }

    /// Answers by which the call ends well from here; with `without`, and that step is not sent.
    pub(crate) fn end(&self, from: &Memo, without: Option<&str>) -> Option<Choices> {
        let mut way = Vec::new();
        let mut seen = HashSet::new();
        let ended = self.ends(from.clone(), without, (&mut way, &mut seen));
        ended.then(|| way.into_iter().collect())
    }

    fn ends(
        &self,
        mut memo: Memo,
        without: Option<&str>,
        (way, seen): (&mut Vec<(u64, Answer)>, &mut HashSet<u64>),
    ) -> bool {
        let request = match self.next(&mut memo) {
            Point::Done => return true,
            Point::Stuck => return false,
            Point::Send(request) => request,
        };
        let full = seen.len() >= MOST_STATES || way.len() >= MOST_STEPS;
        if full || without == Some(request.step.as_str()) || !seen.insert(print(&memo)) {
            return false;
        }
        for answer in self.answers(&memo).iter() {
            let Some(after) = self.after(&memo, answer) else { continue };
            way.push((print(&memo), answer.clone()));
            if self.ends(after, without, (&mut *way, &mut *seen)) {
                return true;
            }
            way.pop();
        }
        false
    }
}
