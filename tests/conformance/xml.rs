//! Calls in every spelling of XML and XML-RPC, from the bodies that they are sent in
//! to the answers, byte for byte.

use super::compare;
use super::connections::{begin, post};

#[test]
fn calls_are_read_in_every_spelling_of_xml() {
    compare("spellings of xml", |run| {
        begin(run, "");
        let bare = |inner: &str| format!("<methodCall>{inner}</methodCall>");
        let of = |value: &str| {
            bare(&format!(
                "<methodName>system.methodHelp</methodName><params><param>{value}</param></params>"
            ))
        };
        // The event is written into a fault, in Python's notation: so a value is seen.
        let told = |value: &str| {
            bare(&format!(
                "<methodName>supervisor.sendProcessStdin</methodName><params><param><value>nosuch</value></param><param>{value}</param></params>"
            ))
        };
        let named = |name: &str| {
            bare(&format!(
                "<methodName>supervisor.getProcessInfo</methodName><params><param><value>{name}</value></param></params>"
            ))
        };
        let method = "<methodName>supervisor.getAPIVersion</methodName>";
        let mut bodies = vec![
            String::new(),
            " ".to_owned(),
            "x".to_owned(),
            "<".to_owned(),
            "<a/>".to_owned(),
            bare(""),
            bare("<methodName/>"),
            bare(method),
            bare("<methodName> supervisor.getAPIVersion</methodName>"),
            bare("<methodName>supervisor.<!-- c -->getAPIVersion</methodName>"),
            bare("<methodName><![CDATA[supervisor.getAPIVersion]]></methodName>"),
            bare("<methodName>supervisor&#46;getAPIVersion</methodName>"),
            bare("<methodName>supervisor.getAPIVersion<x/></methodName>"),
            bare("<methodName><x/>supervisor.getAPIVersion</methodName>"),
            format!("\u{feff}{}", bare(method)),
            format!("  {}", bare(method)),
            format!("{}\n\n ", bare(method)),
            format!("{}x", bare(method)),
            format!("{}<!-- c --><?pi?>", bare(method)),
            format!("{}<a/>", bare(method)),
            format!("<?xml version='1.0'?>{}", bare(method)),
            format!(" <?xml version='1.0'?>{}", bare(method)),
            format!(
                "<?xml version='1.0' encoding='iso-8859-1'?>{}",
                bare(method)
            ),
            format!("<?xml version='1.0' encoding='utf-16'?>{}", bare(method)),
            format!("<?xml version='1.1'?>{}", bare(method)),
            format!("<?xml version='2'?>{}", bare(method)),
            format!("<?xml?>{}", bare(method)),
            format!("<?XML version='1.0'?>{}", bare(method)),
            format!("<?pi?><!-- c -->{}", bare(method)),
            format!("<x>{method}</x>"),
            method.to_owned(),
            format!("<x><y>{method}</y></x>"),
            bare(&format!("<methodName>nosuch.x</methodName>{method}")),
            bare(&format!("<params/>{method}")),
            bare(&format!("{method}<params> \n </params>")),
            bare(&format!("{method}<params><param/></params>")),
            bare(&format!("{method}<params><param>text</param></params>")),
            bare(&format!("{method}<params>text</params>")),
            bare(&format!(
                "{method}<params><param><value>1</value></param></params><params/>"
            )),
            format!("<methodCall xmlns='x'>{method}</methodCall>"),
            format!("<p:methodCall xmlns:p='x'>{method}</p:methodCall>"),
            format!("<methodCall a='b' c=\"d\">{method}</methodCall>"),
            format!("<methodCall a=b>{method}</methodCall>"),
            format!("<methodCall a>{method}</methodCall>"),
            format!("<methodCall a='<'>{method}</methodCall>"),
            format!("<methodCall a='1' a='2'>{method}</methodCall>"),
            format!("<methodCall\n>{method}</methodCall\t>"),
            format!("< methodCall>{method}</methodCall>"),
            format!("<methodCall>{method}</ methodCall>"),
            format!("<methodCall>{method}</methodcall>"),
            format!("<!DOCTYPE methodCall>{}", bare(method)),
            format!("<!DOCTYPE m [<!ENTITY e 'x'>]>{}", bare(method)),
            bare(&format!("{method}<!-- -- -->")),
            bare(&format!("{method}<?xml version='1.0'?>")),
            bare(&format!("{method}]]>")),
            bare(&format!("{method}&")),
            bare(&format!("{method}&amp;")),
            bare(&format!("{method}&nope;")),
            bare(&format!("{method}\u{1}")),
            bare(&format!("{method}\u{fffe}")),
            "<?xml version='1.0'?>".to_owned(),
            bare(method).replace("</methodCall>", ""),
            bare(method).repeat(2),
        ];
        for value in [
            "<int>7</int>",
            "<int> 7 </int>",
            "<int>+7</int>",
            "<int>-7</int>",
            "<int>1_0</int>",
            "<int>1__0</int>",
            "<int>_1</int>",
            "<int></int>",
            "<int/>",
            "<int>0x10</int>",
            "<int>5.0</int>",
            "<int>007</int>",
            "<int>\u{663}\u{664}</int>",
            "<i4>7</i4>",
            "<i1>7</i1>",
            "<i2>7</i2>",
            "<i8>7</i8>",
            "<i8/>",
            "<ex:i8>7</ex:i8>",
            "<int>7<x/>8</int>",
            "<int>7<!-- c -->8</int>",
            "<int><![CDATA[7]]></int>",
            "<int>&#55;</int>",
            "<boolean>1</boolean>",
            "<boolean>0</boolean>",
            "<boolean>true</boolean>",
            "<boolean> 1</boolean>",
            "<boolean/>",
            "<boolean>2</boolean>",
            "<string>a</string>",
            "<string> a\tb\n</string>",
            "<string/>",
            "<string>a<b/>c</string>",
            "<string>a&lt;&gt;&amp;&quot;&apos;</string>",
            "<string>\u{e9}\u{20ac}\u{1f600}</string>",
            "<string>&#233;&#x20AC;&#x1F600;</string>",
            "<string>a\r\nb\rc</string>",
            "<string>&#13;&#10;&#9;</string>",
            "<string>&#1;</string>",
            "<string>&#xFFFE;</string>",
            "<string>&#xD800;</string>",
            "<string>&#x110000;</string>",
            "<string>&#;</string>",
            "<string>&#+65;</string>",
            "<string>&#x;</string>",
            "<string>&#X41;</string>",
            "<string>&#00065;</string>",
            "<string><![CDATA[<&>]]></string>",
            "<string><![CDATA[]]></string>",
            "<string>\u{7f}\u{85}\u{a0}\u{2028}</string>",
            "text",
            " text ",
            "",
            "a<!-- c -->b",
            "a<?pi?>b",
            "<nil/>",
            "<ex:nil/>",
            "<nil>x</nil>",
            "<nothing/>",
            "<nothing>x</nothing>",
            "<double>1</double>",
            "<double>-1.5e3</double>",
            "<double> 2.5 </double>",
            "<double>1_0.5</double>",
            "<double>nan</double>",
            "<double>-inf</double>",
            "<double>Infinity</double>",
            "<double>1e400</double>",
            "<double>1e-400</double>",
            "<double>.5</double>",
            "<double>5.</double>",
            "<double>.</double>",
            "<double/>",
            "<double>x</double>",
            "<double>0x1p3</double>",
            "<double>1e16</double>",
            "<double>1e15</double>",
            "<double>0.0001</double>",
            "<double>0.00001</double>",
            "<double>-0.0</double>",
            "<double>123456789.123456789</double>",
            "<base64>YQ==</base64>",
            "<base64>Y\nQ = =</base64>",
            "<base64>Y!Q=?=</base64>",
            "<base64/>",
            "<base64>YQ</base64>",
            "<base64>YQ=</base64>",
            "<base64>/w==</base64>",
            "<base64>YQ==YQ==</base64>",
            "<base64>w6k=</base64>",
            "<base64>AA==</base64>",
            "<dateTime.iso8601>20260131T23:59</dateTime.iso8601>",
            "<dateTime.iso8601>2026-01-31T23:59:59</dateTime.iso8601>",
            "<dateTime.iso8601>20260229T00:00:00</dateTime.iso8601>",
            "<dateTime.iso8601> 20260131T23:59:59</dateTime.iso8601>",
            "<dateTime.iso8601/>",
            "<dateTime.iso8601>20260131T24:00:00</dateTime.iso8601>",
            "<dateTime.iso8601>20260131T23:59:60</dateTime.iso8601>",
            "<dateTime.iso8601>00000131T23:59:59</dateTime.iso8601>",
            "<array><data/></array>",
            "<array><data></data></array>",
            "<array/>",
            "<array></array>",
            "<array> x </array>",
            "<array><data><value>a</value><value><int>1</int></value></data></array>",
            "<array><value>a</value></array>",
            "<array><data><value>a</value></data><data/></array>",
            "<array><data><int>1</int><x>y</x></data></array>",
            "<array><data><value><array><data><value><nil/></value></data></array></value></data></array>",
            "<data><value>a</value></data>",
            "<struct/>",
            "<struct> x </struct>",
            "<struct><member><name>a</name><value>b</value></member></struct>",
            "<struct><member><value>b</value><name>a</name></member></struct>",
            "<struct><member><name>a</name></member></struct>",
            "<struct><member><name>a</name><value/><value/></member></struct>",
            "<struct><member/></struct>",
            "<struct><x><y>a</y><int>1</int></x></struct>",
            "<struct><member><name/><value>b</value></member></struct>",
            "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>",
            "<struct><member><name> a </name><value><struct/></value></member></struct>",
            "<string>a</string><string>b</string>",
            "<int>1</int>x",
            "x<int>1</int>",
        ] {
            bodies.push(told(&format!("<value>{value}</value>")));
        }
        for value in [
            "<value>supervisor.getPID</value>",
            "<int>5</int>",
            "<string>x</string>",
            "<value>a</value><value>b</value>",
            "x<value>a</value>",
            "<nil/>",
        ] {
            bodies.push(of(value).replace("system.methodHelp", "system.methodSignature"));
        }
        for name in ["nosuch", " nosuch", "\u{e9}", "&lt;", "]]&gt;"] {
            bodies.push(named(name));
        }
        for body in &bodies {
            run.exchange(&post("/RPC2 HTTP/1.0", "", body));
        }
        let mut broken = post("/RPC2 HTTP/1.0", "", &named("XX"));
        let at = broken.len() - 50;
        broken[at] = 0xff;
        run.exchange(&broken);
        run.stop();
    });
}
