//! Which parts of a benchmark were asked for.

use crate::Outcome;

/// What this program was given to do: nothing, or words. Cargo adds flags of its own.
pub(crate) fn words() -> Vec<String> {
    std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect()
}

/// The parts that `words` choose, in their own order: all of them where there is no word.
pub(crate) fn chosen<P: Copy>(
    parts: &[(&'static str, P)],
    words: &[String],
) -> Outcome<Vec<(&'static str, P)>> {
    let is_unknown = |word: &&String| parts.iter().all(|(name, _)| name != word);
    if let Some(unknown) = words.iter().find(is_unknown) {
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(format!("{unknown:?} is no part; there are {names}").into());
    }
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    Ok(parts
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .copied()
        .collect())
}
