package guard

import (
	"strconv"
	"strings"
	"time"
)

// stopper ends what runs under a token. It looks at all processes again and again:
//
//   - Of the command are those with EHPCFLOW=TOKEN in their environment, the
//     descendants of these and of the wrapper that the record names, and those that
//     were of the command the last time (k). A process id counts only together with
//     the start time of its process, for it may have been given away since.
//   - Not of the command are this shell, what it starts, and its ancestors (m).
//   - The wrapper (w) is not signalled: it has to say how the command ended. Only
//     one that was alone in more than 25 looks is halted, looked at once more for a
//     child that it has just started, and killed.
//
// It ends when two looks in a row have found nothing: a process that replaces its
// program has no environment for a moment.
//
// A file "go" where the wrapper makes a directory says that nothing has started and
// nothing will. The file "stopped" lets the next stop tell the truth too.
const stopper = `export LC_ALL=C
t=TOKEN d="${HOME:-/root}/.ehpcflow"
r="$d/$t.$(uname -n)"
say(){
echo "ehpcflow $t stop: $1"
exit $2
}
mkdir -pm700 "$d"
mkdir -m700 "$r" 2>/dev/null
(set -C;>"$r/go")2>/dev/null
v= w= k= b= o=0 c=0 s=TERM z=STOP
if [ -f "$r/go" ];then v=prevented
elif [ -d "$r/go" ];then v=finished
read -r x<"$r/pid"
set -- ${x##*) }
w=${x%% *}.${20}
fi
[ -e "$r/stopped" ]&&v=stopped
look(){
{ grep -lszx EHPCFLOW=$t /proc/[0-9]*/environ;grep -s "" /proc/[0-9]*/stat;}|awk -F/ -v m=$$ -v w="$w" -v k="$k" '
$4=="environ"{c[$3]=1}
$4~/^stat:/{p=$3;sub(/.*\) /,"");split($0,f," ");if(f[1]!~/[ZX]/){q[p]=f[2];s[p]=f[20]}}
function is(x){split(x,b,".");return b[2]!=""&&s[b[1]]==b[2]}
END{n=split(k,a," ");while(n)if(is(a[n--]))c[b[1]]=1
l=0;if(is(w)){c[b[1]]=4;l=1}
for(p=q[m];p>1;p=q[p])c[p]=3
c[m]=2
do{n=0;for(p in q){x=c[q[p]];if(x==2&&c[p]!=2)n=c[p]=2;if(x~/[14]/&&!c[p])n=c[p]=1}}while(n)
printf l;for(p in q)if(c[p]==1)printf" %s.%s",p,s[p]}'
}
printf 'a\0b\0'|grep -qzx b&&[ -r /proc/$$/environ ]&&[ "$(look)" ]||{
[ $v = prevented ]&&say $v 0
echo cannot look for processes: /proc, awk or grep -z is missing
say blind 1
}
while :;do
read n x </proc/uptime
n=${n%.*}${n#*.}
: ${b:=$n}
set -- $(look)
l=$1
shift
if [ $#$l = 00 ];then
c=$((c+1))
[ $c = 2 ]&&say ${v:-unrecorded} $((!${#v}))
else
c=0
[ $((n-b)) -gt WITHIN ]&&echo $*&&say left 1
[ $((n-b)) -ge GRACE ]&&s=KILL
for p;do
case "$s $k " in TERM*" $p "*);;*)kill -$s ${p%.*} 2>/dev/null&&v=stopped;esac
done
[ $# = 0 ]&&o=$((o+1))&&[ $o -gt 25 ]&&kill -$z ${w%.*}&&z=KILL v=stopped
[ $v = stopped ]&&(>"$r/stopped")2>/dev/null
k=$*
fi
sleep .2||sleep 1
done
`

// Stop is the text that ends what runs under the token on a node: TERM to its
// processes, KILL after grace to those that are left, until there is none. It gives
// up after within, which counts from the start and should be longer than grace. Both
// are rounded up to hundredths of a second. Nothing will start under the token after
// it. It is run as it is, without Wrap; to run it again, or twice at once, is harmless.
func Stop(token string, grace, within time.Duration) string {
	return strings.NewReplacer(
		"TOKEN", token,
		"GRACE", hundredths(grace),
		"WITHIN", hundredths(within),
	).Replace(stopper)
}

func hundredths(d time.Duration) string {
	const unit = 10 * time.Millisecond
	return strconv.FormatInt(int64((d+unit-1)/unit), 10)
}

// Stopping is what a stop found on a node.
type Stopping string

const (
	// Stopped says that processes were ended, by this stop or one before, and that
	// none is left.
	Stopped Stopping = "stopped"

	// Finished says that the command had ended before and nothing was left of it.
	Finished Stopping = "finished"

	// Prevented says that the command had not started here. It will refuse when it
	// arrives.
	Prevented Stopping = "prevented"

	// Left says that processes are left after all, such as some that wait for a
	// device or a network file system.
	Left Stopping = "left"
)

// ReadStop tells what a stop found. It is false when the output does not say: it was
// cut, or the node could neither record the stop nor look at its processes; then the
// output says why.
func ReadStop(token, output string) (Stopping, bool) {
	line := "ehpcflow " + token + " stop: "
	at := strings.LastIndex("\n"+output, "\n"+line)
	if at < 0 {
		return "", false
	}
	word, _, _ := strings.Cut(output[at+len(line):], "\n")
	switch found := Stopping(strings.TrimSpace(word)); found {
	case Stopped, Finished, Prevented, Left:
		return found, true
	}
	return "", false
}
