//! `status --figures`: what the processes use, asked of the server beside how they are.

use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::reply::ProcessInfo;
use crate::supervisorctl::session::Session;
use crate::sys::float;
use crate::text::json::Json;
use crate::xmlrpc::value::Value;

/// What each row has that has nothing to do with figures.
const NAMES: [&str; 3] = ["name", "group", "pid"];

/// The figures of each row in words; what the server told of it, if that is wanted, is given
/// their members.
pub fn ask(
    session: &mut Session,
    rows: &[ProcessInfo],
    values: &mut [Value],
) -> Result<Vec<String>, Failure> {
    // Without names there would be figures of all.
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let names = rows.iter().map(|row| Value::string(row.full_name()));
    let reply = session.call("getProcessFigures", &[Value::Array(names.collect())])?;
    let figures = reply.value.as_array().unwrap_or_default();
    let mut figures = figures.iter().peekable();
    let mut told = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        // They come in the order of the names; what has gone meanwhile is missing.
        let own = figures.next_if(|figures| is_of(figures, row));
        told.push(own.map_or_else(String::new, words));
        if let (Some(Value::Struct(members)), Some(Value::Struct(more))) =
            (values.get_mut(place), own)
        {
            let more = more.iter();
            let more = more.filter(|(name, _)| !NAMES.contains(&name.as_str()));
            members.extend(more.cloned());
        }
    }
    Ok(told)
}

fn is_of(figures: &Value, row: &ProcessInfo) -> bool {
    let has = |name: &str, text: &str| figures.member(name).and_then(Value::as_str) == Some(text);
    has("name", &row.name) && has("group", &row.group)
}

/// The figures of a process, each after a comma.
fn words(figures: &Value) -> String {
    let number = |name: &str| match figures.member(name)? {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        _ => None,
    };
    let mut words = String::new();
    let mut add = |name, tell: fn(f64) -> String| {
        if let Some(number) = number(name) {
            words.push_str(", ");
            words.push_str(&tell(number));
        }
    };
    add("cpu_seconds", |seconds| {
        format!("cpu {}s", float::written(seconds, 'f', 2, false))
    });
    add("resident_bytes", size);
    add("open_fds", |count| counted(count, "file"));
    add("threads", |count| counted(count, "thread"));
    add("restarts", |count| counted(count, "restart"));
    add("log_bytes", |bytes| format!("{} logged", size(bytes)));
    if number("log_lost_bytes").is_some_and(|lost| lost > 0.0) {
        add("log_lost_bytes", |bytes| format!("{} lost", size(bytes)));
    }
    words
}

fn counted(count: f64, what: &str) -> String {
    let plural = if count == 1.0 { "" } else { "s" };
    format!("{} {what}{plural}", float::written(count, 'f', 0, false))
}

/// Bytes in the largest unit of which there is one.
fn size(bytes: f64) -> String {
    let mut rest = bytes;
    let mut units = ["B", "KB", "MB", "GB"].iter();
    let mut unit = units.next();
    while rest >= 1024.0
        && let Some(larger) = units.next()
    {
        rest /= 1024.0;
        unit = Some(larger);
    }
    let digits = usize::from(unit != Some(&"B"));
    format!(
        "{}{}",
        float::written(rest, 'f', digits, false),
        unit.unwrap_or(&"B")
    )
}

/// A number as JSON has it: whole ones without a point, and what is none as a text.
pub fn number(number: f64) -> Json {
    let text = float::python_repr(number);
    match number.is_finite() {
        true => Json::Number(text.trim_end_matches(".0").to_owned()),
        false => Json::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_in_words_as_far_as_they_are_known() {
        let members = |members: &[(&str, f64)]| {
            let members = members.iter();
            let members = members.map(|(name, value)| ((*name).to_owned(), Value::Double(*value)));
            Value::Struct(members.collect())
        };
        let used = [
            ("cpu_seconds", 12.3),
            ("resident_bytes", 12.5 * 1024.0 * 1024.0),
            ("open_fds", 7.0),
            ("threads", 1.0),
        ];
        assert_eq!(
            words(&members(&used)),
            ", cpu 12.30s, 12.5MB, 7 files, 1 thread"
        );
        let counted = [
            ("restarts", 0.0),
            ("log_bytes", 1023.0),
            ("log_lost_bytes", 0.0),
        ];
        assert_eq!(words(&members(&counted)), ", 0 restarts, 1023B logged");
        let lost = [("log_lost_bytes", 5.0 * 1024.0)];
        assert_eq!(words(&members(&lost)), ", 5.0KB lost");
        assert_eq!(words(&Value::Nil), "");
    }

    #[test]
    fn sizes_have_the_largest_unit() {
        for (bytes, text) in [
            (0.0, "0B"),
            (1024.0, "1.0KB"),
            (1536.0 * 1024.0 * 1024.0, "1.5GB"),
            (5e15, "4656612.9GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn json_has_numbers_and_not_their_texts() {
        for (value, text) in [
            (5.0, "5"),
            (1.25, "1.25"),
            (10.0, "10"),
            (1e16, "1e+16"),
            (f64::NAN, "\"nan\""),
        ] {
            assert_eq!(number(value).to_string(), text);
        }
    }
}
