//! The page, written from the description.

use std::fmt::{self, Display, Write as _};

use serde_json::{Map, Value};

/// The whole page.
pub(super) fn render(description: &Value, style: &str) -> String {
    let info = &description["info"];
    let body = [
        introduction(info),
        contents(description),
        chapters(description),
        frames(description),
        schemas(description),
        codes(description),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} API</title><style>{style}</style></head><body><main>{}</main></body></html>\n",
        text(&info["title"]),
        body.concat()
    )
}

/// Text that is shown as it is, whatever is in it.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

fn text(value: &Value) -> Escaped<'_> {
    Escaped(value.as_str().unwrap_or_default())
}

/// What `one` makes of each member of an object.
fn each(object: &Value, mut one: impl FnMut(&str, &Value) -> String) -> String {
    let members = object.as_object().into_iter().flat_map(Map::iter);
    members.map(|(name, value)| one(name, value)).collect()
}

/// What `one` makes of each item of an array.
fn items(array: &Value, one: impl FnMut(&Value) -> String) -> String {
    array.as_array().into_iter().flatten().map(one).collect()
}

fn table(heads: &[&str], rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heads = heads.join("</th><th>");
    format!("<table><thead><tr><th>{heads}</th></tr></thead><tbody>{rows}</tbody></table>")
}

fn introduction(info: &Value) -> String {
    format!(
        "<header><h1>{} <small>API {}</small></h1><p>{}</p>\
         <p>For programs: <a href=\"/openapi.json\">openapi.json</a></p></header>",
        text(&info["title"]),
        text(&info["version"]),
        text(&info["description"])
    )
}

/// Calls `see` with method, path and description of every operation of a chapter.
fn operations(
    description: &Value,
    tag: &Value,
    see: impl Fn(&str, &str, &Value) -> String,
) -> String {
    each(&description["paths"], |path, methods| {
        each(methods, |method, operation| {
            if operation["tags"][0] == *tag {
                see(method, path, operation)
            } else {
                String::new()
            }
        })
    })
}

fn contents(description: &Value) -> String {
    let chapters = items(&description["tags"], |tag| {
        let entries = operations(description, &tag["name"], |method, path, operation| {
            format!(
                "<li><a href=\"#{}\"><b class=\"{method}\">{}</b> {}</a></li>",
                text(&operation["operationId"]),
                method.to_uppercase(),
                Escaped(path)
            )
        });
        format!(
            "<section><h3>{}</h3><ul>{entries}</ul></section>",
            text(&tag["name"])
        )
    });
    let rest = "<section><h3>Reference</h3><ul><li><a href=\"#frames\">WebSocket frames</a></li>\
        <li><a href=\"#schemas\">Schemas</a></li><li><a href=\"#codes\">Error codes</a></li></ul></section>";
    format!("<nav>{chapters}{rest}</nav>")
}

fn chapters(description: &Value) -> String {
    items(&description["tags"], |tag| {
        let name = &tag["name"];
        format!(
            "<h2>{}</h2>{}",
            text(name),
            operations(description, name, operation)
        )
    })
}

fn operation(method: &str, path: &str, operation: &Value) -> String {
    let access = if operation["security"].is_array() {
        "<span class=\"token\">needs a token</span>"
    } else {
        "<span>open</span>"
    };
    let rates = items(&operation["x-rate-limits"], |rate| {
        format!("<span>{}</span>", text(rate))
    });
    format!(
        "<article id=\"{}\"><h3><b class=\"{method}\">{}</b> <code>{}</code></h3>\
         <p class=\"facts\">{access}{rates}</p><p><strong>{}.</strong> {}</p>{}{}{}</article>",
        text(&operation["operationId"]),
        method.to_uppercase(),
        Escaped(path),
        text(&operation["summary"]),
        text(&operation["description"]),
        parameters(&operation["parameters"]),
        request(&operation["requestBody"]),
        responses(&operation["responses"]),
    )
}

fn parameters(parameters: &Value) -> String {
    let rows = items(parameters, |parameter| {
        format!(
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            text(&parameter["name"]),
            text(&parameter["in"]),
            form(&parameter["schema"]),
            text(&parameter["description"])
        )
    });
    table(&["Parameter", "In", "Form", "Meaning"], &rows)
}

fn request(body: &Value) -> String {
    if body.is_null() {
        return String::new();
    }
    let form = content(&body["content"]);
    format!(
        "<p>Body: {form} <small>{}</small></p>",
        text(&body["description"])
    )
}

fn content(content: &Value) -> String {
    each(content, |kind, media| match &media["schema"] {
        Value::Null => Escaped(kind).to_string(),
        schema => form(schema),
    })
}

fn responses(responses: &Value) -> String {
    let rows = each(responses, |status, response| {
        format!(
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            Escaped(status),
            text(&response["description"]),
            content(&response["content"])
        )
    });
    table(&["Status", "Meaning", "Body"], &rows)
}

/// The form of a value, in a few words.
fn form(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|pointer| pointer.rsplit('/').next())
    {
        return format!("<a href=\"#schema-{0}\">{0}</a>", Escaped(name));
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(forms) = schema[choice].as_array() {
            return forms.iter().map(form).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let shown = values
            .iter()
            .map(|value| format!("<code>{}</code>", text(value)));
        return shown.collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .map(|kind| text(kind).to_string())
            .collect::<Vec<_>>()
            .join(" or "),
        kind if kind == "array" => format!("array of {}", form(&schema["items"])),
        kind => text(kind).to_string(),
    }
}

fn schemas(description: &Value) -> String {
    let all = each(&description["components"]["schemas"], |name, schema| {
        let rows = each(&schema["properties"], |member, property| {
            row(schema, member, property)
        });
        let rest = if rows.is_empty() {
            format!("<p>{}</p>", form(schema))
        } else {
            table(&["Member", "Form", "Meaning"], &rows)
        };
        format!(
            "<article id=\"schema-{0}\"><h3>{0}</h3><p>{1}</p>{rest}</article>",
            Escaped(name),
            text(&schema["description"])
        )
    });
    format!("<h2 id=\"schemas\">Schemas</h2>{all}")
}

fn row(schema: &Value, member: &str, property: &Value) -> String {
    let required = schema["required"].as_array();
    let is_required = required.is_some_and(|names| names.iter().any(|name| name == member));
    format!(
        "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>",
        Escaped(member),
        if is_required {
            ""
        } else {
            " <small>optional</small>"
        },
        form(property),
        text(&property["description"])
    )
}

fn frames(description: &Value) -> String {
    let socket = &description["paths"]["/ws"]["get"];
    let frames = items(&socket["x-frames"], |frame| {
        format!(
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            text(&frame["from"]),
            text(&frame["type"]),
            text(&frame["members"]),
            text(&frame["description"])
        )
    });
    let closes = items(&socket["x-close-codes"], |close| {
        format!(
            "<tr><td><code>{}</code></td><td>{}</td></tr>",
            close["code"],
            text(&close["description"])
        )
    });
    format!(
        "<h2 id=\"frames\">WebSocket frames</h2><p>Text frames, one JSON object each, with its \
         <code>type</code>. A question mark: the member may be absent.</p>{}{}",
        table(&["From", "Type", "Members", "Meaning"], &frames),
        table(&["Close code", "Meaning"], &closes)
    )
}

fn codes(description: &Value) -> String {
    let rows = items(&description["x-codes"], |code| {
        format!(
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            text(&code["code"]),
            code["status"],
            text(&code["title"])
        )
    });
    format!(
        "<h2 id=\"codes\">Error codes</h2>{}",
        table(&["Code", "Status", "Meaning"], &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_description_becomes_markup() {
        assert_eq!(
            Escaped("<a b=\"c\">&'").to_string(),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;"
        );
    }
}
