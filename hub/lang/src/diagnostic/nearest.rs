//! "Did you mean": the nearest name.

/// Most names that are looked at: a hostile file may define thousands, and misspell hundreds.
const MOST_NAMES: usize = 1_000;

/// The nearest of `names` to `wrong`, for "did you mean": at most a third of its letters differ; else one
/// begins with the other (`uppercase`, `upper`); else both end with the same part (`discount`,
/// `totals.discount`).
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names: Vec<&str> = names.into_iter().take(MOST_NAMES).collect();
    let letters: Vec<char> = wrong.chars().take(64).collect();
    let most = (letters.len() / 3).max(1);
    let by_letters = names
        .iter()
        .filter(|name| name.chars().take(64).count().abs_diff(letters.len()) <= most)
        .map(|name| (distance(&letters, name), *name))
        .filter(|(distance, name)| *distance <= most && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance);
    by_letters.map(|(_, name)| name).or_else(|| by_part(wrong, &names))
}

/// Letters that two names must share at least to be taken for each other by a part.
const LEAST: usize = 4;

fn by_part<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    if wrong.len() < LEAST {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let long_enough = || names.iter().copied().filter(|name| name.len() >= LEAST);
    let begins = long_enough().filter(|name| name.starts_with(&wrong) || wrong.starts_with(name));
    let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
    begins
        .max_by_key(|name| name.len().min(wrong.len()))
        .or_else(|| long_enough().find(|name| last(name).as_deref() == Some(wrong.as_str())))
}

/// Letters to add, drop, change or swap with their neighbour; upper and lower case are the same.
fn distance(wrong: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().take(64).collect();
    let same = |a: &char, b: &char| a.eq_ignore_ascii_case(b);
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    for (i, letter) in wrong.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in name.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let change = at(&last, j) + usize::from(!same(letter, other));
            let mut best = change.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0
                && j > 0
                && wrong.get(i - 1).is_some_and(|left| same(left, other))
                && name.get(j - 1).is_some_and(|left| same(left, letter));
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
