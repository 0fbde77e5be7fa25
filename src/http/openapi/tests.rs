use http::Method;

use super::super::appliance::Appliance;
use super::super::routes::{Docs, WebClient, routes};
use super::*;

fn description() -> (Vec<Route<Appliance>>, Value) {
    let table = routes(Docs::Served, WebClient::Served);
    let description = describe(&table, &Limits::default());
    (table, description)
}

fn operations(description: &Value) -> BTreeSet<(String, String)> {
    let paths = description["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect()
}

/// Calls `see` with every object in `value`.
fn walk(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}

#[test]
fn the_description_lists_the_routes_and_nothing_else() {
    let (table, description) = description();
    let routes: BTreeSet<_> = table
        .iter()
        .map(|route| (route.method.to_string(), template(route.path)))
        .collect();
    assert_eq!(routes.len(), table.len());
    assert_eq!(operations(&description), routes);
}

#[test]
fn every_row_of_the_protocol_is_there() {
    let (_, description) = description();
    let operations = operations(&description);
    for (methods, path) in [
        ("GET", "/api/v1/server"),
        ("POST", "/api/v1/register"),
        ("POST", "/api/v1/auth/challenge"),
        ("POST", "/api/v1/auth/token"),
        ("POST", "/auth/token"),
        ("GET", "/api/v1/keys/{target}"),
        ("GET", "/api/v1/keys/count"),
        ("PUT", "/api/v1/keys"),
        ("POST GET", "/api/v1/messages"),
        ("POST", "/api/v1/messages/ack"),
        ("GET", "/api/v1/contacts"),
        ("GET PUT DELETE", "/api/v1/contacts/{user_id}"),
        ("GET", "/api/v1/turn-credentials"),
        ("GET", "/api/v1/calls"),
        ("PUT DELETE", "/api/v1/push-tokens"),
        ("GET", "/api/v1/push-tokens/vapid-key"),
        ("GET PATCH DELETE", "/api/v1/account"),
        ("GET", "/health"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("GET", "/ws"),
        ("GET", "/ws/{user_id}"),
    ] {
        for method in methods.split(' ') {
            let operation = (method.to_owned(), path.to_owned());
            assert!(operations.contains(&operation), "{method} {path}");
        }
    }
}

#[test]
fn every_reference_resolves_and_every_schema_is_referred_to() {
    let (_, description) = description();
    let mut referred = BTreeSet::new();
    walk(&description, &mut |object| {
        if let Some(reference) = object.get("$ref") {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{pointer}");
            referred.insert(pointer.rsplit('/').next().unwrap().to_owned());
        }
    });
    let schemas = description["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas.keys().cloned().collect::<BTreeSet<_>>(), referred);
    assert!(schemas.values().all(Value::is_object));
}

#[test]
fn every_operation_is_whole() {
    let (table, description) = description();
    let mut ids = BTreeSet::new();
    for route in &table {
        let method = route.method.as_str().to_lowercase();
        let operation = &description["paths"][template(route.path)][&method];
        let place = format!("{method} {}", route.path);
        assert!(ids.insert(operation["operationId"].to_string()), "{place}");
        assert!(
            !operation["summary"].as_str().unwrap().is_empty(),
            "{place}"
        );
        assert!(
            !operation["tags"][0].as_str().unwrap().is_empty(),
            "{place}"
        );
        assert_eq!(
            operation["security"].is_array(),
            route.needs_token(),
            "{place}"
        );
        for response in operation["responses"].as_object().unwrap().values() {
            assert!(
                !response["description"].as_str().unwrap().is_empty(),
                "{place}"
            );
        }
        let path = template(route.path);
        let named = path
            .split('{')
            .skip(1)
            .map(|part| part.split('}').next().unwrap());
        let described = operation["parameters"].as_array().into_iter().flatten();
        let described = described.filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<_> = described
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named.collect::<BTreeSet<_>>(), described, "{place}");
        let is_bodiless = route.method == Method::GET;
        assert!(
            !is_bodiless || operation.get("requestBody").is_none(),
            "{place}"
        );
    }
}

#[test]
fn what_is_switched_off_is_not_described() {
    let described = describe(&routes(Docs::Off, WebClient::Off), &Limits::default());
    for path in ["/openapi.json", "/docs", "/redoc", "/", "/app/{path}"] {
        assert!(described["paths"].get(path).is_none(), "{path}");
    }
}

#[test]
fn limits_are_those_in_force() {
    let limits = Limits {
        register: Rate::new(3, std::time::Duration::from_secs(7)),
        register_body: 12_345,
        ..Limits::default()
    };
    let described = describe(&routes(Docs::Served, WebClient::Served), &limits);
    let register = &described["paths"]["/api/v1/register"]["post"];
    assert_eq!(register["x-rate-limits"][0], "3 in 7 s per address");
    assert_eq!(
        register["requestBody"]["description"],
        "At most 12345 bytes"
    );
}

#[test]
fn codes_are_described_as_they_are_written() {
    let (_, description) = description();
    let described = description["components"]["schemas"]["Code"]["enum"].clone();
    let written: Value = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(described, written);
}
