use super::*;

fn read(inner: &str) -> Option<Vec<Value>> {
    let body = format!("<methodCall><methodName>m</methodName>{inner}</methodCall>");
    Call::read(body.as_bytes()).ok().map(|call| call.params)
}

fn value(inner: &str) -> Option<Value> {
    read(&format!(
        "<params><param><value>{inner}</value></param></params>"
    ))?
    .pop()
}

fn text(text: &str) -> Option<Value> {
    Some(Value::string(text))
}

#[test]
fn values_are_read_as_tolerantly_as_in_4_3_0() {
    let number = |number| Some(Value::Int(number));
    let list = |items: &[&str]| {
        Some(Value::Array(
            items.iter().map(|item| Value::string(*item)).collect(),
        ))
    };
    for (xml, expected) in [
        ("<int>7</int>", number(7)),
        ("<i4> -1_000\n</i4>", number(-1000)),
        ("<int>+7</int>", number(7)),
        ("<int>99999999999999999999</int>", number(i64::MAX)),
        ("<int>-99999999999999999999</int>", number(i64::MIN)),
        ("<int></int>", None),
        ("<int>0x10</int>", None),
        ("<int>5.0</int>", None),
        ("<int>1__0</int>", None),
        ("<int>_1</int>", None),
        ("<int>\u{663}\u{a0}</int>", number(3)),
        ("<int>+-1</int>", None),
        ("<i8>7</i8>", text("7")),
        ("<nothing/>", Some(Value::Nil)),
        ("<nil/>", Some(Value::Nil)),
        ("<ex:nil/>", Some(Value::Nil)),
        ("<boolean>1</boolean>", Some(Value::Bool(true))),
        ("<boolean>true</boolean>", Some(Value::Bool(false))),
        ("<boolean> 1</boolean>", Some(Value::Bool(false))),
        ("<string> x </string>", text(" x ")),
        ("<string/>", text("")),
        ("<string>a<b/>c</string>", text("a")),
        (" x ", text(" x ")),
        ("", text("")),
        ("<double> 1_0.5e1 </double>", Some(Value::Double(105.0))),
        (
            "<double>-inf</double>",
            Some(Value::Double(f64::NEG_INFINITY)),
        ),
        ("<double>x</double>", None),
        (
            "<dateTime.iso8601>20260131T23:59:59</dateTime.iso8601>",
            Some(Value::DateTime("20260131T23:59:59".to_owned())),
        ),
        (
            "<dateTime.iso8601>20260229T00:00:00</dateTime.iso8601>",
            None,
        ),
        (
            "<dateTime.iso8601>20260131T23:59:60</dateTime.iso8601>",
            None,
        ),
        (
            "<dateTime.iso8601>2026-01-31T23:59:59</dateTime.iso8601>",
            None,
        ),
        ("<base64>Zm9v\nYg==</base64>", text("foob")),
        ("<base64>/w==</base64>", None),
        ("<base64>Zg</base64>", None),
        ("<base64/>", text("")),
        (
            "<array><data><value>a</value><value>b</value></data></array>",
            list(&["a", "b"]),
        ),
        ("<array><data/></array>", list(&[])),
        ("<array></array>", None),
        ("<array><value>a</value></array>", text("a")),
        ("<string>a</string><string>b</string>", text("a")),
        ("a&amp;b&lt;&#65;&#x42;&quot;&apos;&gt;", text("a&b<AB\"'>")),
        ("a\r\nb\rc&#13;", text("a\nb\nc\r")),
        ("a<!-- no -->b<![CDATA[<&]]>", text("ab<&")),
        ("a<?pi no?>b", None),
        ("<?xml version='1.0'?>", None),
        ("&nope;", None),
        ("&#1;", None),
        ("&#xFFFE;", None),
        ("&#xd800;", None),
        ("&#+65;", None),
        ("&", None),
        ("\u{1}", None),
        ("]]>", None),
    ] {
        assert_eq!(value(xml), expected, "{xml}");
    }
}

#[test]
fn a_member_is_two_children_whatever_their_names() {
    let read = |members: &str| value(&format!("<struct>{members}</struct>"));
    let one = |name: &str, value: Value| Some(Value::Struct(vec![(name.to_owned(), value)]));
    for (xml, expected) in [
        ("", Some(Value::Struct(vec![]))),
        (
            "<member><name>a</name><value>b</value></member>",
            one("a", Value::string("b")),
        ),
        ("<x><y>a</y><z><int>1</int></z></x>", one("a", Value::Nil)),
        ("<x><y>a</y><int>1</int></x>", one("a", Value::Int(1))),
        (
            "<member><name/><value>b</value></member>",
            one("", Value::string("b")),
        ),
        ("<member><name>a</name></member>", None),
        ("<member><name>a</name><value/><value/></member>", None),
        ("<member/>", None),
        (
            "<member><name>a</name><value>1</value></member>\
          <member><name>a</name><value>2</value></member>",
            one("a", Value::string("2")),
        ),
    ] {
        assert_eq!(read(xml), expected, "{xml}");
    }
}

#[test]
fn of_many_members_of_one_name_the_last_value_is_in_the_place_of_the_first() {
    for count in [20, 40, 400] {
        // Not in the order of names, and every tenth comes three times.
        let names = (0..count).map(|number| format!("m{}", (number * 7) % count));
        let doubles = (0..count / 10).map(|number| format!("m{}", number * 10));
        let again = doubles.clone();
        let written: Vec<String> = names.clone().chain(doubles).chain(again).collect();
        let xml = written.iter().enumerate().map(|(place, name)| {
            format!("<member><name>{name}</name><value><int>{place}</int></value></member>")
        });
        let expected = names.map(|name| {
            let last = written.iter().rposition(|other| *other == name).unwrap();
            (name, Value::Int(last as i64))
        });
        assert_eq!(
            value(&format!("<struct>{}</struct>", xml.collect::<String>())),
            Some(Value::Struct(expected.collect()))
        );
    }
}

#[test]
fn params_are_taken_in_order_and_may_be_missing() {
    let one = |value: Value| Some(vec![value]);
    for (xml, expected) in [
        ("", Some(vec![])),
        ("<params/>", Some(vec![])),
        ("<params> \n </params>", Some(vec![])),
        ("<params><value>1</value></params>", one(Value::string("1"))),
        (
            "<params><param><int>5</int></param></params>",
            one(Value::Int(5)),
        ),
        ("<params><param/></params>", None),
        ("<params><param>text</param></params>", None),
        (
            "<params><param><int>1</int></param></params><params/>",
            Some(vec![]),
        ),
    ] {
        assert_eq!(read(xml), expected, "{xml}");
    }
}

#[test]
fn the_last_method_name_counts_and_one_is_needed() {
    let method = |body: &str| Call::read(body.as_bytes()).map(|call| call.method);
    let fails = |body: &str| method(body).map_err(|error| error.to_string());
    assert_eq!(
        method("<x><methodName> a.b </methodName></x>"),
        Ok(" a.b ".to_owned())
    );
    assert_eq!(
        method(
            "\u{feff}<?xml version='1.0' encoding='utf-16'?>\n<x><methodName>a</methodName>\
                <methodName>é</methodName></x>\n "
        ),
        Ok("é".to_owned())
    );
    for (body, error) in [
        ("<methodCall><params/></methodCall>", "no method name"),
        ("<methodCall><methodName/></methodCall>", "no method name"),
        ("", "unmarshallable"),
        (" ", "unmarshallable"),
        ("text", "unmarshallable"),
        ("<a>", "unmarshallable"),
        ("<a></b>", "unmarshallable"),
        ("<a/><b/>", "unmarshallable"),
        ("<a/>x", "unmarshallable"),
        (" <?xml version='1.0'?><a/>", "unmarshallable"),
        ("<a b=c/>", "unmarshallable"),
        ("<a b='<'/>", "unmarshallable"),
        ("<a b/>", "unmarshallable"),
        ("<1/>", "unmarshallable"),
        ("<!DOCTYPE a><a/>", "unmarshallable"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "unmarshallable"),
        ("<?pi?><a/>", "unmarshallable"),
        ("<a/><?pi?>", "unmarshallable"),
        ("<?xml-stylesheet href='x'?><a/>", "unmarshallable"),
        ("<a><!-- -- --></a>", "unmarshallable"),
        ("<a><![CDATA[", "unmarshallable"),
    ] {
        assert_eq!(fails(body), Err(error.to_owned()), "{body}");
    }
    assert!(Call::read(b"<a>\xff</a>").is_err());
}

#[test]
fn depth_and_number_of_elements_are_limited() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert_eq!(
        Call::read(nested(256).as_bytes()),
        Err(CallError::NoMethodName)
    );
    assert!(matches!(
        Call::read(nested(257).as_bytes()),
        Err(CallError::Unmarshallable(_))
    ));
    assert!(document::read(nested(17).as_bytes(), 16).is_err());
    let deep = document::read(nested(1000).as_bytes(), 1000);
    assert_eq!(deep, Ok(Document::default()));
    let wide = format!("<a>{}</a>", "<b/>".repeat(1 << 18));
    assert!(matches!(
        Call::read(wide.as_bytes()),
        Err(CallError::Unmarshallable(_))
    ));
}

#[test]
fn a_call_is_written_as_by_python() {
    let call = Call {
        method: "a.b".to_owned(),
        params: vec![Value::string("<&>\"é"), Value::Int(-1), Value::Bool(true)],
    };
    assert_eq!(
        String::from_utf8(call.to_bytes()).unwrap(),
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n\
         <param>\n<value><string>&lt;&amp;&gt;\"é</string></value>\n</param>\n\
         <param>\n<value><int>-1</int></value>\n</param>\n\
         <param>\n<value><boolean>1</boolean></value>\n</param>\n\
         </params>\n</methodCall>\n"
    );
    assert_eq!(Call::read(&call.to_bytes()), Ok(call));
    let bare = Call {
        method: "a".to_owned(),
        params: vec![],
    };
    assert!(
        bare.to_bytes()
            .ends_with(b"</methodName>\n<params>\n</params>\n</methodCall>\n")
    );
}

#[test]
fn nothing_is_cut_where_a_piece_of_a_long_text_ends() {
    let end = crate::xmlrpc::reader::PIECE;
    for (xml, means) in [
        ("&amp;", "&"),
        ("&#x1F600;", "\u{1f600}"),
        ("\u{e9}", "\u{e9}"),
        ("\u{1f600}", "\u{1f600}"),
        ("\r\n", "\n"),
        ("\r\r\n", "\n\n"),
        ("]]", "]]"),
        ("<![CDATA[a]]>", "a"),
        ("<!-- - -->", ""),
    ] {
        for shift in 0..20 {
            let text = "x".repeat(end - shift);
            let content = format!("{text}{xml}{}", "y".repeat(end * 2));
            let expected = format!("{text}{means}{}", "y".repeat(end * 2));
            assert!(
                value(&content) == Some(Value::String(expected)),
                "{xml:?} {shift}"
            );
        }
    }
    for (before, after) in [("<![CDATA[", "]]>"), ("<!--", "-->")] {
        for xml in ["\u{1f600}", "\r\n", "]]", "]>", "-", "&"] {
            for shift in 0..10 {
                let text = format!("{}{xml}{}", "x".repeat(end - shift), "y".repeat(end));
                let expected = match after {
                    "-->" => "a".to_owned(),
                    _ => format!("a{}", text.replace('\r', "")),
                };
                let found = value(&format!("a{before}{text}{after}"));
                assert!(
                    found == Some(Value::String(expected)),
                    "{before} {xml:?} {shift}"
                );
            }
        }
    }
    for wrong in [
        "]]>",
        "&nope;",
        "&#1;",
        "&amp",
        "\u{1}",
        "<!-- -- -->",
        "<![CDATA[",
        "<!--",
    ] {
        for shift in 0..20 {
            let content = format!("{}{wrong}{}", "x".repeat(end - shift), "y".repeat(end));
            assert!(value(&content).is_none(), "{wrong:?} {shift}");
        }
    }
    let blanks = " ".repeat(end * 2);
    let attribute = |length: usize| format!("<string a='{}'>b</string>", "x".repeat(length));
    assert_eq!(read(&blanks), Some(vec![]));
    assert_eq!(value(&attribute(1000)), text("b"));
    assert_eq!(value(&attribute(end)), None);
    assert_eq!(value(&format!("<{}/>", "a".repeat(end * 2))), None);
    let many = "a='b' ".repeat(end / 5);
    assert_eq!(value(&format!("<string {many}>b</string>")), None);
}

#[test]
fn a_document_is_read_in_slices_to_the_same_end() {
    let items = "<value><int>7</int></value>".repeat(20_000);
    let body = format!(
        "<methodCall><methodName>m</methodName><params><param><value><array><data>{items}\
         </data></array></value></param></params></methodCall>"
    );
    let mut reading = document::Reading::new(body.as_bytes().into(), DEPTH_LIMIT).unwrap();
    let mut slices = 1;
    let document = loop {
        match reading.go_on().unwrap() {
            Some(document) => break document,
            None => slices += 1,
        }
    };
    assert_eq!(slices, body.len().div_ceil(128 * 1024));
    let call = Call::from_document(document).unwrap();
    assert_eq!(call.params, [Value::Array(vec![Value::Int(7); 20_000])]);
}

/// xorshift64: the same garbage in every run.
struct Garbage(u64);

impl Garbage {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn garbage_never_panics() {
    const PIECES: &[&[u8]] = &[
        b"<",
        b">",
        b"/",
        b"<a>",
        b"</a>",
        b"<value>",
        b"</value>",
        b"<struct>",
        b"</struct>",
        b"<array>",
        b"</array>",
        b"<int>",
        b"</int>",
        b"1",
        b"&",
        b";",
        b"&#",
        b"&amp;",
        b"x",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b"<!DOCTYPE",
        b"\xc3",
        b"\xa9",
        b"\r",
        b" ",
        b"=",
        b"'",
        b"\"",
        b"<param>",
        b"</param>",
        b"<b c='d'/>",
        b"\0",
        b"<methodName>",
        b"</methodName>",
        b"<double>",
        b"</double>",
        b"<base64>",
        b"_",
    ];
    let mut garbage = Garbage(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let mut body = b"<methodCall>".to_vec();
        for _ in 0..garbage.below(40) {
            body.extend_from_slice(PIECES[garbage.below(PIECES.len())]);
        }
        let _ = Call::read(&body);
        let _ = crate::xmlrpc::response::read(&body);
    }
}

/// Quadratic work on this much would take minutes.
#[test]
fn hostile_documents_take_linear_time() {
    let started = std::time::Instant::now();
    for piece in [
        "x",
        "&amp;",
        "<!---->",
        "&",
        "<",
        "]]",
        "<![CDATA[]]>",
        "\r",
        "<a ",
        "<b/>",
    ] {
        let body = format!("<a>{}", piece.repeat(2_000_000 / piece.len()));
        assert!(Call::read(body.as_bytes()).is_err());
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
}
