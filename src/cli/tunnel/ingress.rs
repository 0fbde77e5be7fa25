//! The rules by which cloudflared sends requests on, read as it reads them.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use yaml_rust2::{Yaml, YamlLoader};

/// One rule. The first that matches a request decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Rule {
    /// A name, `*.name` for every name below one, or nothing for all.
    #[serde(default)]
    pub(in crate::cli) hostname: String,
    /// A regular expression that the path must contain; nothing for all.
    #[serde(default)]
    pub(in crate::cli) path: String,
    /// Where the request goes.
    #[serde(default)]
    pub(in crate::cli) service: String,
}

impl Rule {
    /// Whether it takes a request for `path` of `host`.
    pub(in crate::cli) fn takes(&self, host: &str, path: &str) -> bool {
        self.takes_host(host) && (self.path.is_empty() || self.takes_path(path))
    }

    /// Whether it takes everything, as the last one must.
    pub(in crate::cli) fn takes_all(&self) -> bool {
        self.path.is_empty() && matches!(self.hostname.as_str(), "" | "*")
    }

    fn takes_host(&self, host: &str) -> bool {
        let (own, host) = (self.hostname.to_lowercase(), host.to_lowercase());
        match own.strip_prefix('*') {
            Some(rest) => host.ends_with(rest),
            None => own.is_empty() || own == host,
        }
    }

    fn takes_path(&self, path: &str) -> bool {
        Regex::new(&self.path).is_ok_and(|expression| expression.is_match(path))
    }
}

/// What a configuration of cloudflared says, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Rules {
    /// The name or id of the tunnel.
    pub(in crate::cli) tunnel: Option<String>,
    /// The rules in their order.
    pub(in crate::cli) ingress: Vec<Rule>,
}

/// Reads `config.yml`. The error says what was expected.
pub(in crate::cli) fn parse_file(text: &str) -> Result<Rules, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| format!("no YAML: {error}"))?;
    let Some(document) = documents.first() else {
        return Ok(Rules::default());
    };
    if document.as_hash().is_none() {
        return Err("expected keys such as tunnel and ingress".to_owned());
    }
    let ingress = match &document["ingress"] {
        Yaml::BadValue | Yaml::Null => Vec::new(),
        Yaml::Array(rules) => rules.iter().map(rule).collect::<Result<_, _>>()?,
        _ => return Err("expected ingress to be a list of rules".to_owned()),
    };
    Ok(Rules {
        tunnel: document["tunnel"].as_str().map(str::to_owned),
        ingress,
    })
}

fn rule(yaml: &Yaml) -> Result<Rule, String> {
    let text = |key: &str| match &yaml[key] {
        Yaml::BadValue | Yaml::Null => Ok(String::new()),
        value => value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("expected {key} of a rule to be a text")),
    };
    let rule = Rule {
        hostname: text("hostname")?,
        path: text("path")?,
        service: text("service")?,
    };
    if rule.service.is_empty() {
        return Err("expected every rule to have a service".to_owned());
    }
    Ok(rule)
}

#[derive(Deserialize)]
struct Effective {
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    ingress: Vec<Rule>,
}

/// Reads what cloudflared answers at `/config`: the rules in effect.
pub(in crate::cli) fn parse_effective(json: &[u8]) -> Result<Vec<Rule>, String> {
    let effective: Effective =
        serde_json::from_slice(json).map_err(|error| format!("no configuration: {error}"))?;
    Ok(effective.config.ingress)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "\
tunnel: home
credentials-file: /etc/cloudflared/home.json
ingress:
  - hostname: chat.example.org
    path: ^/private
    service: http_status:403
  - hostname: '*.example.org'
    service: http://127.0.0.1:8000
    originRequest:
      connectTimeout: 30s
  - service: http_status:404
";

    fn first<'a>(rules: &'a [Rule], host: &str, path: &str) -> &'a str {
        &rules
            .iter()
            .find(|rule| rule.takes(host, path))
            .unwrap()
            .service
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let Rules { tunnel, ingress } = parse_file(FILE).unwrap();
        assert_eq!(tunnel.as_deref(), Some("home"));
        for (host, path, service) in [
            ("chat.example.org", "/", "http://127.0.0.1:8000"),
            ("Chat.Example.org", "/private/1", "http_status:403"),
            ("example.org", "/", "http_status:404"),
            ("a.b.example.org", "/", "http://127.0.0.1:8000"),
            ("chat.example.com", "/", "http_status:404"),
        ] {
            assert_eq!(first(&ingress, host, path), service, "{host}{path}");
        }
        assert!(ingress[2].takes_all() && !ingress[1].takes_all());
    }

    #[test]
    fn the_rules_in_effect_are_read() {
        let json = br#"{"version":3,"config":{"ingress":[{"hostname":"chat.example.org","path":"",
            "service":"http://127.0.0.1:8000","originRequest":{}},{"service":"http_status:404"}],
            "warp-routing":{"enabled":false}}}"#;
        let rules = parse_effective(json).unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(
            first(&rules, "chat.example.org", "/ws"),
            "http://127.0.0.1:8000"
        );
    }

    #[test]
    fn what_is_no_configuration_is_said() {
        for text in [
            "[",
            "- a",
            "ingress: 5",
            "ingress:\n  - hostname: a",
            "ingress:\n  - service: [1]",
        ] {
            assert!(parse_file(text).is_err(), "{text}");
        }
        assert!(parse_effective(b"{}").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
            let _ = parse_file(&text);
            let _ = parse_effective(text.as_bytes());
        }

        #[test]
        fn any_rule_answers(path in ".{0,20}", host in ".{0,20}", asked in ".{0,20}") {
            let rule = Rule { hostname: host, path, service: String::new() };
            let _ = rule.takes(&asked, &asked);
        }

        #[test]
        fn a_rule_that_is_written_is_read(host in "[a-z]{1,8}\\.[a-z]{2,3}", port in 1_u16..) {
            let text = format!("ingress:\n- hostname: {host}\n  service: http://127.0.0.1:{port}\n");
            let rules = parse_file(&text).unwrap().ingress;
            prop_assert!(rules[0].takes(&host, "/"));
            prop_assert_eq!(&rules[0].service, &format!("http://127.0.0.1:{port}"));
        }
    }
}
