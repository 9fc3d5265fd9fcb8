"""Checks everything that is linked, or runs while it is built: `cargo metadata` on standard input.

A licence is good if one of its alternatives is made of licences that allow
distribution in a binary with no more than a notice. A source is good if it is a
registry, whose packages Cargo.lock holds by their checksums, or this folder.
"""

import json
import re
import sys

GOOD = {'0BSD', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'BSD-2-Clause',
        'BSD-3-Clause', 'ISC', 'MIT', 'Unicode-3.0', 'Unlicense', 'Zlib'}


def is_good(expression):
    alternatives = re.split(r' OR |/', re.sub(r'[()]', '', expression))
    return any(all(part.strip() in GOOD for part in alternative.split(' AND '))
               for alternative in alternatives)


def main():
    metadata = json.load(sys.stdin)
    nodes = {node['id']: node for node in metadata['resolve']['nodes']}
    packages = {package['id']: package for package in metadata['packages']}
    linked, waiting = set(), [metadata['resolve']['root']]
    while waiting:
        name = waiting.pop()
        if name in linked:
            continue
        linked.add(name)
        for dependency in nodes[name]['deps']:
            if any(kind['kind'] != 'dev' for kind in dependency['dep_kinds']):
                waiting.append(dependency['pkg'])
    bad = 0
    for name in sorted(linked, key=lambda name: packages[name]['name']):
        package = packages[name]
        licence = package['license'] or 'none'
        is_from_here = package['source'] is None and name == metadata['resolve']['root']
        is_held = is_from_here or (package['source'] or '').startswith('registry+')
        verdict = 'ok' if is_good(licence) and is_held else 'NOT GOOD' if is_held else 'NOT FROM A REGISTRY'
        bad += verdict != 'ok'
        print('%-24s %-10s %-44s %s' % (package['name'], package['version'], licence, verdict))
    return bad and 'packages that need a look: %d' % bad


if __name__ == '__main__':
    sys.exit(main())
