//! Numbers for what a file orders by its size: `body.page < body.pages`, `body.left > 100`.
//!
//! Which of two is larger is all that such a rule asks, so that a few numbers at each place hold whichever way it is: a small, a
//! middle and a large one, and those around each number that the file itself names. Bounds: [`MOST_NUMBERS`] at a place, two
//! places at once; at further ones the middle one stands.

use orderhub_lang::value::Value;

use super::search::Said;

/// Stands where nothing more is known, as [`ANY`](crate::invent::ANY) does for texts.
pub(super) const MIDDLE: i64 = 71;
/// The smallest and the largest that are tried.
const OUTER: [i64; 2] = [0, 1_000_000];
/// Numbers that are tried at one place.
const MOST_NUMBERS: usize = 9;

/// What is put where.
pub(super) type Numbers = Vec<(usize, Value)>;

/// Ways to put numbers at the places; none where there are no places.
pub(super) fn ways(places: &[usize], words: &[Value]) -> Vec<Numbers> {
    let numbers = numbers(words);
    let middle = |others: &[usize]| -> Numbers {
        let left = places.iter().filter(|place| !others.contains(place));
        left.map(|place| (*place, Value::Int(MIDDLE))).collect()
    };
    let mut ways = Vec::new();
    if let [only] = places {
        ways.extend(numbers.iter().map(|number| vec![(*only, Value::Int(*number))]));
    }
    for (at, first) in places.iter().enumerate() {
        for second in places.iter().skip(at + 1) {
            for (low, high) in numbers.iter().flat_map(|a| numbers.iter().map(move |b| (a, b))) {
                let mut way = middle(&[*first, *second]);
                way.extend([(*first, Value::Int(*low)), (*second, Value::Int(*high))]);
                ways.push(way);
            }
        }
    }
    ways
}

fn numbers(words: &[Value]) -> Vec<i64> {
    let named = words.iter().filter_map(Value::as_int);
    let around = named.flat_map(|number| [-1, 0, 1].map(|by| number.saturating_add(by)));
    let mut numbers = Vec::new();
    for number in [MIDDLE].into_iter().chain(OUTER).chain(around) {
        if !numbers.contains(&number) && numbers.len() < MOST_NUMBERS {
            numbers.push(number);
        }
    }
    numbers
}

/// What is said, with a value at a place.
pub(super) fn with(base: &[Option<Value>], place: usize, value: Option<Value>) -> Said {
    let mut said = base.to_vec();
    if let Some(at) = said.get_mut(place) {
        *at = value;
    }
    said
}

/// The same with numbers at several places.
pub(super) fn with_all(base: &[Option<Value>], numbers: &Numbers) -> Said {
    numbers.iter().fold(base.to_vec(), |said, (at, value)| with(&said, *at, Some(value.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_stand_either_way_and_around_what_is_named() {
        let holds = |places: &[usize], words: &[Value], is: &dyn Fn(i64, i64) -> bool| {
            let at = |way: &Numbers, place: usize| {
                way.iter().find(|(at, _)| *at == place).and_then(|(_, value)| value.as_int())
            };
            ways(places, words).iter().any(|way| {
                let (a, b) = (at(way, 1).unwrap_or(0), at(way, 2).unwrap_or(0));
                is(a, b)
            })
        };
        for places in [&[1, 2][..], &[0, 1, 2]] {
            assert!(holds(places, &[], &|a, b| a < b));
            assert!(holds(places, &[], &|a, b| a > b));
            assert!(holds(places, &[], &|a, b| a == b));
        }
        let word = [Value::Int(5_000_000)];
        assert!(holds(&[1], &word, &|a, _| a > 5_000_000));
        assert!(holds(&[1], &word, &|a, _| a == 5_000_000));
        assert!(ways(&[], &word).is_empty());
    }
}
