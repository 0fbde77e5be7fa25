//! What a file names: its imports, its paths in place, its modules and attributes, read from tokens.

use std::collections::BTreeSet;

/// One path that the code names, by `use` or in place.
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// Inside a module that exists only under `cfg(test)`.
    pub(super) test: bool,
    /// Inline modules around it.
    modules: usize,
}

impl Reference {
    /// The path from the crate's root, if it goes there: by `crate`, by the library's name, or by
    /// more `super` than its place is deep.
    pub(super) fn path_from_root(&self, depth: usize) -> Option<Vec<String>> {
        let first = self.path.first()?.as_str();
        if first == "crate" || first == env!("CARGO_PKG_NAME") {
            return Some(self.path[1..].to_vec());
        }
        let relative = &self.path[usize::from(first == "self")..];
        let climbs = relative
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        (climbs > 0 && climbs >= depth + self.modules).then(|| relative[climbs..].to_vec())
    }
}

/// What one file names.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) references: Vec<Reference>,
    /// Modules that the file declares.
    pub(super) declared: BTreeSet<String>,
    /// Names that its imports from this crate bring in.
    pub(super) bound: BTreeSet<String>,
    /// Lines of `allow` and `expect` attributes without a reason.
    pub(super) unexplained: Vec<usize>,
    /// Line of the first test module's attribute.
    tests_from: Option<usize>,
}

impl Findings {
    pub(super) fn read(source: &str) -> Self {
        let mut reader = Reader {
            tokens: tokens(source),
            at: 0,
            scopes: Vec::new(),
            test_attribute: None,
            findings: Self::default(),
        };
        reader.read();
        reader.findings
    }

    pub(super) fn production_lines(&self, source: &str) -> usize {
        self.tests_from
            .map_or_else(|| source.lines().count(), |line| line - 1)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Block,
    Module,
    TestModule,
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    scopes: Vec<Scope>,
    /// The line of a `#[cfg(test)]` that waits for its item.
    test_attribute: Option<usize>,
    findings: Findings,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        while self.at < self.tokens.len() {
            match self.text(0) {
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                "mod" => self.module(),
                "#" => self.attribute(),
                "{" => self.open(Scope::Block),
                "}" => {
                    self.scopes.pop();
                    self.at += 1;
                }
                ";" => {
                    self.test_attribute = None;
                    self.at += 1;
                }
                text if is_name(text) && self.text(1) == "::" && !self.continues() => self.path(),
                _ => self.at += 1,
            }
        }
    }

    /// The text of the token `ahead` of this one; empty past the end.
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text)
    }

    /// Whether this name goes on a path that began before: `a::name`, but not `::name`.
    fn continues(&self) -> bool {
        let back = |count: usize| {
            self.at
                .checked_sub(count)
                .map_or("", |at| self.tokens[at].text)
        };
        back(1) == "::" && (is_name(back(2)) || back(2) == ">")
    }

    fn open(&mut self, scope: Scope) {
        self.scopes.push(scope);
        self.test_attribute = None;
        self.at += 1;
    }

    fn module(&mut self) {
        let name = self.text(1).to_owned();
        self.at += 2;
        let test_attribute = self.test_attribute.take();
        if let Some(line) = test_attribute {
            self.findings.tests_from.get_or_insert(line);
        }
        self.findings.declared.insert(name);
        if self.text(0) == "{" {
            self.open(test_attribute.map_or(Scope::Module, |_| Scope::TestModule));
        }
    }

    /// Looks at an attribute without consuming the paths in it.
    fn attribute(&mut self) {
        let line = self.tokens[self.at].line;
        let open = 1 + usize::from(self.text(1) == "!");
        let inside: Vec<&str> = self.tokens[self.at..]
            .iter()
            .skip(open + 1)
            .map(|token| token.text)
            .take_while(|text| *text != "]")
            .collect();
        match inside.as_slice() {
            ["cfg", "(", "test", ")"] => self.test_attribute = Some(line),
            ["allow" | "expect", ..] if !inside.contains(&"reason") => {
                self.findings.unexplained.push(line);
            }
            _ => {}
        }
        self.at += open;
    }

    fn path(&mut self) {
        let mut path = vec![self.text(0).to_owned()];
        let line = self.tokens[self.at].line;
        self.at += 1;
        while self.text(0) == "::" && is_name(self.text(1)) {
            path.push(self.text(1).to_owned());
            self.at += 2;
        }
        self.record(path, line);
    }

    /// One branch of a `use`, flattened: `crate::{a, b::c}` gives `crate::a` and `crate::b::c`.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        self.use_tree(&path);
                        self.at += usize::from(self.text(0) == ",");
                    }
                    self.at += 1;
                    return;
                }
                text if is_name(text) || text == "*" => {
                    path.push(text.to_owned());
                    self.at += 1;
                    if self.text(0) != "::" {
                        return self.use_leaf(path);
                    }
                }
                _ => {
                    self.at += 1;
                    return;
                }
            }
        }
    }

    fn use_leaf(&mut self, mut path: Vec<String>) {
        let line = self.tokens[self.at - 1].line;
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut bound = path.last().cloned();
        if self.text(0) == "as" {
            bound = Some(self.text(1).to_owned());
            self.at += 2;
        }
        if matches!(path[0].as_str(), "crate" | "self" | "super") {
            self.findings.bound.extend(bound);
        }
        self.record(path, line);
    }

    fn record(&mut self, path: Vec<String>, line: usize) {
        let modules = self
            .scopes
            .iter()
            .filter(|scope| **scope != Scope::Block)
            .count();
        self.findings.references.push(Reference {
            path,
            line,
            test: self.scopes.contains(&Scope::TestModule),
            modules,
        });
    }
}

/// A name, a sign, or one of the two-part signs `::`, `->`, `=>`; comments, strings, characters and lifetimes leave none.
struct Token<'a> {
    text: &'a str,
    line: usize,
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < source.len() {
        let rest = &source[at..];
        let silent = silent_length(rest);
        let length = silent.unwrap_or_else(|| name_length(rest).max(sign_length(rest)));
        if silent.is_none() && !rest.starts_with(char::is_whitespace) {
            tokens.push(Token {
                text: &rest[..length],
                line,
            });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    tokens
}

fn is_name(text: &str) -> bool {
    name_length(text) > 0
}

fn name_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

fn sign_length(rest: &str) -> usize {
    if ["::", "->", "=>"]
        .into_iter()
        .any(|sign| rest.starts_with(sign))
    {
        2
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    }
}

/// The length of a comment, string, character or lifetime that begins here.
fn silent_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if rest.starts_with('\'') {
        return Some(quote_length(rest));
    }
    let prefix = name_length(rest);
    let (name, quoted) = rest.split_at(prefix);
    match name {
        "" | "b" | "c" if quoted.starts_with('"') => Some(prefix + string_length(quoted)),
        "b" if quoted.starts_with('\'') => Some(prefix + quote_length(quoted)),
        "r" | "br" | "cr" => {
            let hashes = quoted.len() - quoted.trim_start_matches('#').len();
            let body = quoted[hashes..].strip_prefix('"')?;
            let end = format!("\"{}", "#".repeat(hashes));
            let close = body
                .find(&end)
                .map_or(body.len(), |close| close + end.len());
            Some(prefix + hashes + 1 + close)
        }
        _ => None,
    }
}

fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(0, char::len_utf8);
        }
    }
    at
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, or the quote and name of a lifetime.
fn quote_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let first = characters.next().map(|(_, c)| c);
    if first == Some('\\') {
        characters.next();
        return rest[3..].find('\'').map_or(rest.len(), |close| close + 4);
    }
    match characters.next() {
        Some((at, '\'')) => at + 1,
        _ => 1 + name_length(&rest[1..]),
    }
}
