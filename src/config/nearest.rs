//! What somebody may have meant who wrote a name that is none.

use crate::config::Config;

/// The farthest a word may be from the name it is taken for: a third of its letters, at least two.
fn reach(word: &str) -> usize {
    (word.chars().count() / 3).max(2)
}

/// A hint for an unknown section.
pub(super) fn section(name: &str) -> String {
    let names = || Config::SECTIONS.iter().map(|section| section.name);
    closest(name, names()).map_or_else(
        || format!("the sections are {}", join(names())),
        |nearest| format!("did you mean [{nearest}]?"),
    )
}

/// A hint for an unknown key of `section`: a like name there, the same name elsewhere, or all that
/// there are.
pub(super) fn key(section: &str, name: &str) -> String {
    let names = || {
        Config::keys()
            .filter(|key| key.section == section)
            .map(|key| key.name)
    };
    if let Some(nearest) = closest(name, names()) {
        return format!("did you mean {section}.{nearest}?");
    }
    if let Some(same) = Config::keys().find(|key| key.name == name) {
        return format!("did you mean {}?", same.path());
    }
    format!("the keys of [{section}] are {}", join(names()))
}

fn closest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Distances grow with the product of the lengths, and a long word resembles no name.
    if word.len() > 64 {
        return None;
    }
    names
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, _)| *distance <= reach(word))
        .min()
        .map(|(_, name)| name)
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_taken_for_the_name_it_resembles() {
        assert_eq!(section("sevrer"), "did you mean [server]?");
        assert_eq!(
            key("server", "max_conections"),
            "did you mean server.max_connections?"
        );
    }

    #[test]
    fn a_key_in_the_wrong_section_is_shown_the_right_one() {
        assert_eq!(
            key("server", "retention"),
            "did you mean messages.retention?"
        );
    }

    #[test]
    fn what_resembles_nothing_is_told_what_there_is() {
        assert_eq!(key("auth", "xxxxxxxx"), "the keys of [auth] are token_ttl");
        assert!(section(&"x".repeat(1000)).starts_with("the sections are server, registration"));
    }
}
