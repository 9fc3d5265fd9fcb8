//! The texts of `system.methodHelp`: prose, then `@param` and `@return` lines
//! that clients parse, indented by eight blanks.

use std::fmt::Write;

use crate::rpc::interface::Method;

/// The help of a method.
pub fn text(method: &Method) -> String {
    let mut text = format!(" {}\n\n", method.help);
    for parameter in method.parameters {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "        @param {} {} {}",
            parameter.kind, parameter.name, parameter.help
        );
    }
    let result = method.result;
    let _ = writeln!(
        text,
        "        @return {} {} {}",
        result.kind, result.name, result.help
    );
    text.push_str("        ");
    text
}
