//! The plug-ins of `[ctlplugin:x]`, which are written in Python and left out: what
//! is said to whoever types one of their commands. Only Python could tell what these
//! are; by custom they begin with the name of the plug-in.

use crate::config::supervisorctl::Plugin;

/// What is said about a command that this program does not have, if a plug-in may
/// have it.
pub fn of_command(plugins: &[Plugin], word: &str) -> Option<String> {
    if plugins.is_empty() || word.is_empty() {
        return None;
    }
    let told = |plugin: &Plugin| format!("{} of [ctlplugin:{}]", plugin.factory, plugin.name);
    let begins = |plugin: &&Plugin| !plugin.name.is_empty() && word.starts_with(&plugin.name);
    if let Some(plugin) = plugins.iter().find(begins) {
        return Some(format!(
            "{word} is a command of the plug-in {}, which this program does not load: \
             Python plug-ins are not available",
            told(plugin)
        ));
    }
    let all: Vec<String> = plugins.iter().map(told).collect();
    Some(format!(
        "{word} is no command of supervisorctl itself; it may be one of a plug-in that this \
         program does not load: {}. Python plug-ins are not available",
        all.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_laid_to_the_plug_in_that_has_its_name_or_may_have_it() {
        let plugin = |name: &str| Plugin {
            name: name.to_owned(),
            factory: format!("{name}.ctl:make"),
        };
        let one = [plugin("cache")];
        let two = [plugin("cache"), plugin("quick")];
        for (plugins, word, expected) in [
            (&[][..], "cache_clear", None),
            (&one[..], "", None),
            (
                &one[..],
                "cache_clear",
                Some(
                    "cache_clear is a command of the plug-in cache.ctl:make of [ctlplugin:cache], \
                     which this program does not load: Python plug-ins are not available",
                ),
            ),
            (
                &one[..],
                "mstart",
                Some(
                    "mstart is no command of supervisorctl itself; it may be one of a plug-in \
                     that this program does not load: cache.ctl:make of [ctlplugin:cache]. \
                     Python plug-ins are not available",
                ),
            ),
            (
                &two[..],
                "mstart",
                Some(
                    "mstart is no command of supervisorctl itself; it may be one of a plug-in \
                     that this program does not load: cache.ctl:make of [ctlplugin:cache], \
                     quick.ctl:make of [ctlplugin:quick]. Python plug-ins are not available",
                ),
            ),
        ] {
            assert_eq!(of_command(plugins, word).as_deref(), expected);
        }
    }
}
