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
//   - A process that has ended and was not waited for yet is none. One of which only
//     the first thread has ended looks alike, but for its number of threads.
//   - The wrapper (w) is not signalled: it has to say how the command ended. Only
//     one that was alone in more than 25 looks is halted, looked at once more for a
//     child that it has just started, and killed.
//
// TERM goes once (g) to each process that the first look with any has found, parents
// first, so that none takes the end of a child for a reason to go on. It goes to others only if
// they started before that TERM (u), or if their parent is none of the command: these
// were missed. The rest is what handlers of TERM start to clean up, and has time until
// KILL.
//
// A look prints whether the wrapper is there, and each process of the command as
// ID.START, with a + before it if its parent is none of the command. It prints nothing
// if it does not even see this shell.
//
// It ends when two looks in a row have found nothing: a process that replaces its
// program has no environment for a moment.
//
// A file "go" where the wrapper makes a directory says that nothing has started and
// nothing will. The file "stopped" lets other stops tell the truth too: it is there
// before the first signal, and looked for when nothing is left.
const stopper = `export LC_ALL=C
t=TOKEN d="${HOME:-/root}/.ehpcflow"
r="$d/$t.$(uname -n)"
say(){
[ -e "$r/stopped" ]&&[ $2 = 0 ]&&set -- stopped 0
echo "ehpcflow $t stop: $1"
exit $2
}
mkdir -pm700 "$d"
mkdir -m700 "$r" 2>/dev/null
(set -C;>"$r/go")2>/dev/null
v= w= k= g= b= u= o=0 c=0 s=TERM z=STOP
if [ -f "$r/go" ];then v=prevented
elif [ -d "$r/go" ];then v=finished
read -r x<"$r/pid"
set -- ${x##*) }
w=${x%% *}.${20}
fi
look(){
{ grep -lszx EHPCFLOW=$t /proc/[0-9]*/environ;grep -s "" /proc/[0-9]*/stat;}|awk -F/ -v m=$$ -v w="$w" -v k="$k" '
$4=="environ"{c[$3]=1}
$4~/^stat:/{p=$3;sub(/.*\) /,"");split($0,f," ");if(f[1]!~/[ZX]/||f[18]>1){q[p]=f[2];s[p]=f[20]}}
function is(x){split(x,b,".");return b[2]!=""&&s[b[1]]==b[2]}
END{if(!s[m])exit
n=split(k,a," ");while(n)if(is(a[n--]))c[b[1]]=1
l=0;if(is(w)){c[b[1]]=4;l=1}
for(p=q[m];p>1;p=q[p])c[p]=3
c[m]=2
do{n=0;for(p in q){x=c[q[p]];if(x==2&&c[p]!=2)n=c[p]=2;if(x~/[14]/&&!c[p])n=c[p]=1}}while(n)
print l;for(p in q)if(c[p]==1)print(c[q[p]]~/[14]/?"":"+")p"."s[p]}'|sort -t. -nk2
}
printf 'a\0b\0'|grep -qzx b&&[ -r /proc/$$/environ ]&&[ "$(look)" ]||{
[ "$v" = prevented ]&&say $v 0
echo cannot look for processes: /proc, awk, sort or grep -z is missing
say blind 1
}
while :;do
set -- $(look)
read n x </proc/uptime
n=${n%.*}${n#*.}
: ${b:=$n}
l=${1:-2} j=
[ $1 ]&&shift
if [ $#$l = 00 ];then
c=$((c+1))
[ $c = 2 ]&&say ${v:-unrecorded} $((!${#v}))
else
c=0
[ $((n-b)) -gt WITHIN ]&&echo $k&&say left 1
[ $((n-b)) -ge GRACE ]&&s=KILL
[ $# = 0 ]||(>"$r/stopped")2>/dev/null
for p;do
x=${p#+}
j="$j $x"
case "$s$g " in
KILL*);;
*" $x "*)continue;;
*)[ $x != $p ]||[ ! "$u" ]||[ ${x#*.} -lt $u ]||continue
esac
g="$g $x"
kill -$s ${x%.*} 2>/dev/null&&v=stopped
done
[ $# = 0 ]||: ${u:=$n}
[ $#$l = 01 ]&&o=$((o+1))&&[ $o -gt 25 ]&&kill -$z ${w%.*}&&z=KILL v=stopped
[ "$v" = stopped ]&&(>"$r/stopped")2>/dev/null
k=$j
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
