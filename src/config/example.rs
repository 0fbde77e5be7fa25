//! `config.toml.example`: every key with its documentation and its default, commented out.

use std::fmt::Write;

use super::key::{Key, Reload, Section};
use crate::config::Config;

const HEAD: &str = "\
# The configuration of privcomm. Every key stands here with its default, commented out by `#`
# without a space; a file needs only the keys that differ, and no file at all works too.
#
# A value is taken from the first of: flag (--set turn.enabled=false), environment
# (PRIVCOMM_TURN__ENABLED=false), this file, default. `privcomm config check` says what is wrong
# with a file, `privcomm config show` which value is in force and where it came from.
#
# Durations are one number and a unit: ms, s, m, h or d. Sizes are bytes, or a number and KiB, MiB,
# GiB or TiB. `reload: yes` is taken up by `systemctl reload privcomm` (SIGHUP), the rest by a
# restart. No secret stands here: privcomm makes its own and keeps them in its state directory.
";

/// Characters that a line may have.
const WIDTH: usize = 100;

/// The example file.
pub fn example() -> String {
    let defaults = Config::default();
    let mut text = HEAD.to_owned();
    for section in Config::SECTIONS {
        head(&mut text, section);
        for key in section.keys {
            entry(&mut text, key, &defaults);
        }
    }
    text
}

fn head(text: &mut String, section: &Section) {
    text.push('\n');
    comment(text, section.doc);
    line(text, format_args!("[{}]", section.name));
}

fn entry(text: &mut String, key: &Key, defaults: &Config) {
    text.push('\n');
    comment(text, key.doc);
    let reload = match key.reload {
        Reload::No => "no (restart)",
        Reload::Yes => "yes",
        Reload::Content => "yes (what the file holds; another path: restart)",
    };
    line(text, format_args!("# reload: {reload}"));
    let mut value = format!("#{} = {}", key.name, (key.write)(defaults));
    if value.chars().count() > WIDTH {
        // A list: an item on each line.
        value = value.replace("\", \"", "\",\n#\"");
    }
    line(text, format_args!("{value}"));
}

/// Documentation as comments; its lines begin with the space that follows `///`.
fn comment(text: &mut String, doc: &[&str]) {
    for sentence in doc {
        line(text, format_args!("#{sentence}"));
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a String has no way to fail.
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Layers;

    /// The example with every key in force.
    fn uncommented() -> String {
        let is_key = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
        example()
            .lines()
            .map(|line| if is_key(&line) { &line[1..] } else { line })
            .fold(String::new(), |text, line| text + line + "\n")
    }

    #[test]
    fn the_example_in_the_repository_is_the_rendered_one() {
        let committed = include_str!("../../config.toml.example");
        assert!(
            committed == example(),
            "render it again: privcomm config example > config.toml.example"
        );
    }

    #[test]
    fn the_example_as_it_stands_sets_nothing() {
        let layers = Layers::default().file_text(Path::new("example"), example());
        let loaded = layers.load().unwrap();
        assert_eq!(*loaded.config(), Config::default());
        assert!(
            loaded
                .entries()
                .all(|entry| entry.source.to_string() == "default")
        );
    }

    #[test]
    fn the_example_uncommented_sets_every_key_to_its_default() {
        let layers = Layers::default().file_text(Path::new("example"), uncommented());
        let loaded = layers.load().unwrap();
        assert_eq!(*loaded.config(), Config::default());
        for entry in loaded.entries() {
            assert!(
                entry.source.to_string().starts_with("example:"),
                "{}",
                entry.key
            );
        }
    }

    #[test]
    fn no_line_of_the_example_is_too_wide_to_read() {
        assert!(example().lines().all(|line| line.chars().count() <= WIDTH));
    }
}
