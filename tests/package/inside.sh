#!/bin/sh
# Runs in the chroot as the first process. The scenario is in $1:
#   untouched  the configuration as Debian's package brought it
#   edited     with changes of the administrator in the main file too
#   stopped    policy-rc.d forbids starting services, as in the making of an image
set -eu
scenario=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
conf=/etc/supervisor/supervisord.conf

fail() {
	echo "$scenario: $*" >&2
	tail -n 20 /opt/log /var/log/supervisor/supervisord.log >&2 || true
	exit 1
}

quietly() {
	"$@" >/opt/log 2>&1 || fail "$* failed"
}

# Waits up to a minute for a command to succeed.
wait_for() {
	end=$(($(date +%s) + 60))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || fail "in vain: $*"
		sleep 0.1
	done
}

# What services may do: 0 for everything, 101 for nothing. Without a policy invoke-rc.d
# does nothing where no init runs, and here it is to do what it does elsewhere.
policy() {
	printf '#!/bin/sh\nexit %s\n' "$1" >/usr/sbin/policy-rc.d
	chmod +x /usr/sbin/policy-rc.d
}

programs() {
	supervisorctl status 2>/dev/null | awk '{ print $1, $2 }' | sort
}

all_run() {
	[ "$(programs)" = "$expected" ]
}

is_ours() {
	[ "$(readlink "/proc/$(cat /var/run/supervisord.pid)/exe")" = /usr/bin/supervisord ]
}

is_down() {
	! pgrep supervisord && ! pgrep -f '/opt/(slow-)?program'
}

expect_configuration() {
	# An unedited main file is each package's own.
	[ "$scenario" = edited ] || cp $conf /opt/before/
	for file in supervisord.conf conf.d/web.conf conf.d/worker.conf conf.d/once.conf; do
		cmp -s "/opt/before/$file" "/etc/supervisor/$file" || fail "$file has changed: $1"
	done
}

policy 0

# Where both the administrator and the package have changed a file, dpkg asks; this is to answer
# with the default, to keep it.
printf 'Dpkg::Options { "--force-confdef"; "--force-confold"; };\n' >/etc/apt/apt.conf.d/90keep

# A host with Debian's supervisor and three files of programs.
printf '#!/bin/sh\nexec sleep 100000\n' >/opt/program
chmod +x /opt/program
# One that takes its time: whoever takes over must wait for the supervisor before to have ended.
cat >/opt/slow-program <<END
#!/bin/sh
trap 'sleep 2; exit' TERM
while :; do sleep 0.1; done
END
chmod +x /opt/slow-program
cat >/etc/supervisor/conf.d/web.conf <<END
[program:web]
command=/opt/program
process_name=%(program_name)s_%(process_num)02d
numprocs=2
user=www-data
END
cat >/etc/supervisor/conf.d/worker.conf <<END
[program:mail]
command=/opt/program
autostart=true
autorestart=true
stderr_logfile=/var/log/mail.err.log
stdout_logfile=/var/log/mail.out.log

[program:cron]
command=/opt/slow-program
environment=HOME="/root",USER="root"

[group:worker]
programs=mail,cron
END
cat >/etc/supervisor/conf.d/once.conf <<END
[program:once]
command=/bin/true
autorestart=false
startsecs=0
END
expected='once EXITED
web:web_00 RUNNING
web:web_01 RUNNING
worker:cron RUNNING
worker:mail RUNNING'
if [ "$scenario" = edited ]; then
	sed -i 's/^chmod=0700.*/chmod=0770\nchown=root:www-data/' $conf
	echo '; the last line of the administrator' >>$conf
fi
cp -a /etc/supervisor /opt/before
quietly invoke-rc.d supervisor start
wait_for all_run
is_ours && fail "the old one is not Python's"

# Unpacked, the new one reads the configuration beside the old one, which goes on.
quietly dpkg-deb -x /opt/pollvisor-1.deb /opt/new
quietly /opt/new/usr/bin/supervisord -c $conf --check
all_run || fail "to check the configuration changed what runs"

if [ "$scenario" = stopped ]; then
	quietly invoke-rc.d supervisor stop
	wait_for is_down
	policy 101
	quietly apt-get install -q -y /opt/pollvisor-1.deb
	is_down || fail "it was started against the policy"
	policy 0
	quietly invoke-rc.d supervisor start
	wait_for all_run
	expect_configuration install
	quietly invoke-rc.d supervisor restart
	wait_for all_run
	quietly invoke-rc.d supervisor status
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	quietly apt-get install -q -y /opt/pollvisor-2.deb
	exit 0
fi

# In its place. A main file that nobody has edited becomes that of the new package.
quietly apt-get install -q -y /opt/pollvisor-1.deb
expect_configuration install
wait_for all_run
is_ours || fail "not our supervisord runs"
[ "$(supervisord -v)" = 4.3.0 ] || fail "version"
[ -S /run/supervisor.sock ] || fail "no socket"
[ -x /etc/init.d/supervisor ] || fail "no init script"
[ -e /lib/systemd/system/supervisor.service ] || fail "no unit"
[ -L /etc/systemd/system/multi-user.target.wants/supervisor.service ] || fail "the unit is not enabled"
dpkg-query -W -f '${db:Status-Abbrev}' supervisor 2>/dev/null | grep -q '^.[cn]' || fail "both are installed"
supervisord -c $conf --check >/dev/null 2>&1 || fail "the configuration is not good"

# An upgrade. No program notices.
before=$(cat /var/run/supervisord.pid; supervisorctl pid all)
quietly apt-get install -q -y /opt/pollvisor-2.deb
all_run || fail "the upgrade ended programs"
[ "$(cat /var/run/supervisord.pid; supervisorctl pid all)" = "$before" ] || fail "the upgrade changed pids"
is_ours || fail "the binary of before still runs"
expect_configuration upgrade

# The old package's remains go without harm to the new one.
quietly dpkg --purge supervisor
expect_configuration "purge of the old one"
all_run || fail "the purge of the old one ended programs"
quietly dpkg --purge supervisor
[ -x /etc/init.d/supervisor ] || fail "the purge of the old one took the init script"

# Away and back.
quietly apt-get remove -q -y pollvisor
wait_for is_down
expect_configuration removal
[ ! -e /usr/bin/supervisorctl ] || fail "the link is left"
quietly apt-get install -q -y /opt/pollvisor-2.deb
wait_for all_run
expect_configuration "installation after removal"

# Debian's supervisor in its place again.
quietly apt-get install -q -y --allow-downgrades /opt/supervisor.deb
wait_for all_run
is_ours && fail "still our supervisord"
expect_configuration "the way back"
quietly apt-get install -q -y /opt/pollvisor-2.deb
wait_for all_run
expect_configuration "the way here again"

# Files of the administrator are not the package's: they stay.
quietly dpkg --purge supervisor
quietly apt-get purge -q -y pollvisor
wait_for is_down
[ ! -e $conf ] || fail "$conf is left"
[ ! -e /etc/init.d/supervisor ] || fail "the init script is left"
[ -e /etc/supervisor/conf.d/web.conf ] || fail "the administrator's file is gone"
[ ! -e /var/log/supervisor ] || fail "logs are left"
[ ! -e /etc/systemd/system/multi-user.target.wants/supervisor.service ] || fail "the unit is still enabled"
