//! Content codings (RFC 9110 §8.4.1) and which of them somebody takes (§12.5.3).

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 7932. Browsers take it over TLS only.
    Brotli,
    /// RFC 1952.
    Gzip,
    /// Not at all.
    Identity,
}

impl Coding {
    /// As it stands in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The one that packs best of those that `accept` allows and there are. Its weights only say what
    /// is refused: among what somebody understands, the choice is the server's.
    pub(super) fn choose(accept: &str, is_there: impl Fn(Self) -> bool) -> Self {
        [Self::Brotli, Self::Gzip]
            .into_iter()
            .find(|coding| is_there(*coding) && coding.is_accepted(accept))
            .unwrap_or(Self::Identity)
    }

    /// Whether a list names it, or everything, without refusing it.
    fn is_accepted(self, accept: &str) -> bool {
        let items = || accept.split(',').map(item);
        let own = items().find(|(name, _)| name.eq_ignore_ascii_case(self.name()));
        let any = || items().find(|(name, _)| *name == "*");
        own.or_else(any).is_some_and(|(_, taken)| taken)
    }
}

/// `gzip;q=0.5` is gzip, and taken.
fn item(text: &str) -> (&str, bool) {
    let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_weight = name.trim().eq_ignore_ascii_case("q");
        is_weight.then(|| value.trim().parse::<f32>().unwrap_or(0.0))
    });
    (name.trim(), weight.unwrap_or(1.0) > 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &str) -> &'static str {
        Coding::choose(accept, |_| true).name()
    }

    #[test]
    fn the_smallest_form_that_is_understood_is_chosen() {
        for (accept, name) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate", "gzip"),
            ("GZIP;Q=0.1", "gzip"),
            ("br;q=0.1, gzip;q=1.0", "br"),
            ("br;q=0, gzip", "gzip"),
            ("br; q=0.000, *", "gzip"),
            ("*", "br"),
            ("*;q=0", "identity"),
            ("identity", "identity"),
            ("brotli, gzipped", "identity"),
            ("gzip;q=much", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(chosen(accept), name, "{accept}");
        }
        assert_eq!(Coding::choose("br", |_| false), Coding::Identity);
    }

    proptest! {
        #[test]
        fn any_header_is_survived(accept in "\\PC{0,80}") {
            let _ = chosen(&accept);
        }

        #[test]
        fn what_is_refused_is_never_sent(accept in "(gzip|br|\\*)(;q=0)?(, ?(gzip|br)(;q=0)?){0,3}") {
            let name = chosen(&accept);
            let first = accept.split(',').map(str::trim).find(|item| item.starts_with(name));
            prop_assert!(first.is_none_or(|item| !item.ends_with(";q=0")) || name == "identity");
        }
    }
}
