//! "Did you mean": the nearest name.

/// The nearest of `names` to `wrong`, for "did you mean": at most a third of its letters differ.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(64).collect();
    let most = (wrong.len() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(&wrong, name), name))
        .filter(|(distance, name)| *distance <= most && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
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
