//! Conditional requests: what somebody has needn't be sent again.

/// Whether `held`, the value of `If-None-Match`, names `tag`. Weak and strong tags are the same here
/// (RFC 9110 §13.1.2), so proxies that weaken them lose nothing.
pub fn has_already(held: &str, tag: &str) -> bool {
    let mut tags = held.split(',').map(str::trim);
    tags.any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_not() {
        for held in ["\"a\"", "W/\"a\"", "\"b\", W/\"a\"", "\"b\",\"a\"", "*"] {
            assert!(has_already(held, "\"a\""), "{held}");
        }
        for held in ["", "a", "\"a-gzip\"", "\"b\"", "\"A\""] {
            assert!(!has_already(held, "\"a\""), "{held}");
        }
    }
}
