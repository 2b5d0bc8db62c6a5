package catalogue

// TokenExpired is the code at which a credential is looked for anew.
const TokenExpired = "InvalidSecurityToken.Expired"

// Codes of this project, for calls without a usable answer.
const (
	BadRequest     = "Client.BadRequest"
	NoCredentials  = "Client.NoCredentials" //nolint:gosec // a code, not a credential
	NotSent        = "Client.NotSent"
	Unreachable    = "Client.Unreachable"
	Untrusted      = "Client.Untrusted"
	ConnectionLost = "Client.ConnectionLost"
	Timeout        = "Client.Timeout"
	Canceled       = "Client.Canceled"
	BadResponse    = "Client.BadResponse"
)

// The classes. Sources of the handling: the vendor's SDKs and Terraform provider
// for what they retry; caution for the rest.
var (
	request    = Class{"request", "the call itself is wrong, or names what does not exist", Never, Never, false}
	account    = Class{"account", "the account may not use the service now", Never, Never, false}
	access     = Class{"access", "the credential is wrong or lacks a permission", Never, Never, false}
	renewal    = Class{"renewal", "the clock or a temporary credential has to be renewed", Soon, Soon, false}
	credential = Class{"credential", "no credential could be had; nothing was sent", Soon, Never, false}
	busy       = Class{"busy", "another operation is running; nothing was started", Later, Later, false}
	throttling = Class{"throttling", "too many requests; nothing was started", Throttled, Throttled, false}
	cluster    = Class{"cluster", "the cluster is not in a usable state", Later, Never, false}
	young      = Class{"young", "the object is not found; it may not be visible yet", WhileNew, Never, false}
	backend    = Class{"backend", "something behind the API failed; some nodes may have been reached", Soon, Never, true}
	replay     = Class{"replay", "an earlier copy of this very request has arrived", Soon, Never, true}
	unsent     = Class{"unsent", "nothing was sent", Soon, Soon, false}
	untrusted  = Class{"untrusted", "the other side could not prove who it is; nothing was sent", Later, Never, false}
	unanswered = Class{"unanswered", "the request may have been sent; no usable answer came", Soon, Never, true}

	classes = []Class{
		request, account, access, renewal, credential, busy, throttling, cluster, young, backend, replay, unsent, untrusted, unanswered,
	}
)

const (
	adviceWait     = "ehpcflow waits and tries again"
	adviceOperator = "an administrator of the cloud account has to settle this"
	adviceKey      = "correct the worker's ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	adviceAllow    = "allow the action ehpc:<action> to the worker's RAM identity"
	adviceName     = "correct the parameter that the message names"
	adviceBackend  = "if it stays, look at the cluster's nodes in the E-HPC console"
	adviceNetwork  = "check the worker's network and its endpoint"
	adviceTrust    = "correct the worker's endpoint or clock, or let it trust the certificate's issuer (SSL_CERT_FILE)"
	adviceToken    = "renew the worker's temporary credential"
	adviceClock    = "set the worker's clock: it is more than 15 minutes off"
)

// table has a row for each code. The first part is the error table of the
// ListInvocationStatus page, whole; then what other E-HPC pages add; the gateway's
// common codes; and those of this project.
var table = []Entry{
	{"InvalidParams", 400, request, "The specified parameter %s is invalid.", "无效的参数: %s", adviceName},
	{"NotEnabled", 400, account, "You have not enabled this service", "您的账户还未开通此服务", "activate E-HPC for this account in its console"},
	{"InDebt", 400, account, "Your account has overdue payments.", "您的账户已欠费", "settle the account's overdue payment"},
	{"InvalidClusterStatus", 403, cluster, "The operation failed due to invalid cluster status.", "集群状态不允许执行本次操作。", "check that the cluster is running"},
	{"ConflictOpt", 403, busy, "A conflicting operation is running.", "有冲突的操作在执行中,请您稍后再试。", adviceWait},
	{"ClusterNotFound", 404, request, "The specified cluster does not exist.", "指定的集群不存在,请您检查该参数是否正确。", "check the cluster id and the worker's region"},
	{"ObjectNotFound", 404, young, "The specified object is not found.", "指定的对象未找到,请您检查该参数是否正确。", "the cluster no longer knows this object"},
	{"NotAuthorized", 407, access, "You are not authorized by RAM for this request.", "此请求未获得RAM授权", adviceAllow},
	{"EcsError", 406, backend, "An error occurred while calling the ECS API operation.", "ECS API调用出错", adviceBackend},
	{"AgentError", 406, backend, "The agent service request failed.", "代理请求失败", adviceBackend},
	{"AliyunError", 406, backend, "An Alibaba Cloud product error occurred.", "阿里云产品错误", adviceBackend},
	{"PartFailure", 409, backend, "Part of the batch operation failed.", "批量操作部分失败", adviceBackend},
	{"UnknownError", 500, backend, "An unknown error occurred.", "未知错误", adviceBackend},
	{"ServiceUnavailable", 503, backend, "The request has failed due to a temporary failure of the server", "请求失败,服务暂时不可用", "the service is out for a moment; as a rule it passes by itself"},

	{"ManagerNotFound", 404, cluster, "the manager node is missing or abnormal", "", "check the cluster's manager node"},
	{"ComputeNotFound", 404, cluster, "there is no such compute node", "", "check the node ids"},
	{"DbError", 406, backend, "the service's database failed", "", adviceBackend},
	{"AckError", 406, backend, "another part of the service failed", "", adviceBackend},

	{"Throttling", 400, throttling, "flow control", "", adviceWait},
	{"Throttling.User", 400, throttling, "flow control of the account, over all its users and tools", "", adviceWait},
	{"Throttling.Api", 400, throttling, "flow control of the API", "", adviceWait},
	{"Rejected.Throttling", 400, throttling, "flow control", "", adviceWait},
	{"InternalError", 500, backend, "an unknown failure of the service", "", adviceBackend},
	{"SignatureNonceUsed", 400, replay, "the signature's nonce was seen before", "", "ehpcflow signs anew"},
	{"InvalidTimeStamp.Expired", 400, renewal, "the time stamp is more than 15 minutes off", "", adviceClock},
	{"InvalidTimeStamp.Format", 400, renewal, "the time stamp could not be read", "", adviceClock},
	{"SignatureDoesNotMatch", 400, access, "the signature was made with another secret", "", adviceKey},
	{"IncompleteSignature", 400, access, "the signature is not complete", "", adviceKey},
	{"InvalidAccessKeyId.NotFound", 404, access, "the access key is unknown", "", adviceKey},
	{"InvalidAccessKeyId.Inactive", 400, access, "the access key is disabled", "", adviceKey},
	{TokenExpired, 400, renewal, "the temporary credential has expired", "", adviceToken},
	{"InvalidSecurityToken.Malformed", 400, access, "the token cannot be read", "", adviceToken},
	{"InvalidSecurityToken.MismatchWithAccessKey", 400, access, "the token belongs to another key", "", adviceToken},
	{"Forbidden", 403, access, "a policy refuses this", "", adviceAllow},
	{"Forbidden.RAM", 403, access, "a RAM policy refuses this", "", adviceAllow},
	{"NoPermission", 403, access, "a RAM or STS policy refuses this", "", adviceAllow},
	{"Forbidden.RiskControl", 403, account, "the account is held back by risk control", "", adviceOperator},
	{"Forbidden.UserVerification", 403, account, "the account's owner has to be verified", "", adviceOperator},
	{"InsufficientBalance", 400, account, "the account's balance is too low", "", "settle the account's balance"},
	{"MissingParameter", 400, request, "a required parameter is missing; also Missing<Name>", "", "give the parameter that the message names"},
	{"InvalidParameter", 400, request, "a parameter is not valid", "", adviceName},
	{"UnsupportedParameter", 400, request, "a parameter is not supported", "", adviceName},
	{"InvalidAction.NotFound", 404, request, "the endpoint does not know this action", "", "check that the endpoint is one of E-HPC 1.0 (API 2018-04-12)"},
	{"InvalidVersion", 404, request, "the endpoint does not know this version", "", "check that the endpoint is one of E-HPC 1.0 (API 2018-04-12)"},

	{HTTPCode(407), 407, access, "a proxy between the worker and the cloud asks for a login", "", "give the proxy's login in HTTPS_PROXY"},
	{BadRequest, 0, request, "refused by ehpcflow before anything was sent", "", adviceName},
	{NoCredentials, 0, credential, "no cloud credential could be had", "", "see what the message names"},
	{NotSent, 0, unsent, "given up before it was sent", "", "nothing has to be done"},
	{Unreachable, 0, unsent, "no connection to the endpoint was made", "", adviceNetwork},
	{Untrusted, 0, untrusted, "the endpoint's certificate could not be verified", "", adviceTrust},
	{ConnectionLost, 0, unanswered, "the connection broke after the request may have been sent", "", adviceNetwork},
	{Timeout, 0, unanswered, "no whole answer came in time", "", adviceNetwork},
	{Canceled, 0, unanswered, "the call was given up", "", "nothing has to be done"},
	{BadResponse, 0, unanswered, "an answer came that is not what the API documents", "", adviceNetwork},
}
