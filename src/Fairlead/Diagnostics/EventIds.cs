namespace Fairlead.Diagnostics;

/// <summary>Numbers of all log events, a range per folder. A number is never used again for another meaning (2012, 2013 and 5010 to 5013 were).</summary>
internal static class EventIds
{
    // 1000 Processes
    public const int ChildStarted = 1000;
    public const int ChildExited = 1001;
    public const int ChildIgnoredClosedInput = 1002;
    public const int ChildKilled = 1003;
    public const int ChildLeftovers = 1004;
    public const int ChildCannotBeEnded = 1005;
    public const int ChildrenSwept = 1006;
    public const int ReaperDied = 1010;
    public const int ReaperRestarted = 1011;
    public const int ReaperMissing = 1012;
    public const int ChildLogFailed = 1020;

    // 2000 Servers
    public const int ServerStarting = 2000;
    public const int ServerReady = 2001;
    public const int ServerLost = 2002;
    public const int ServerStartFailed = 2003;
    public const int ServerCrashLoop = 2004;
    public const int ServerStopped = 2005;
    public const int ServerAsks = 2006;
    public const int ServerInstancesFull = 2007;
    public const int ServerInstanceStarted = 2008;
    public const int ServerInstanceFailed = 2009;
    public const int ServerListsFailed = 2010;
    public const int ServerListenRefused = 2011;
    public const int ServerNotDrained = 2014;
    public const int ServerInstanceLost = 2015;
    public const int ServerBackendAway = 2017;
    public const int ServerReplicaReady = 2060;
    public const int ServerReplicaLost = 2061;
    public const int ServerScaled = 2062;
    public const int ServerAsleep = 2063;
    public const int RolloutBegun = 2070;
    public const int RolloutEnded = 2071;

    public const int FleetEntryDeployed = 2050;
    public const int FleetEntryNotRestored = 2051;
    public const int FleetEntrySealed = 2052;

    // 3000 Upstreams
    public const int UpstreamJunk = 3000;
    public const int UpstreamLineTooLong = 3001;
    public const int UpstreamFlood = 3002;
    public const int UpstreamWriteFailed = 3003;
    public const int InProcessLeftBehind = 3004;
    public const int UpstreamSessionEnded = 3020;
    public const int UpstreamGoodbyeFailed = 3021;
    public const int UpstreamNoStream = 3022;
    public const int UpstreamStreamSlow = 3023;
    public const int UpstreamStreamCut = 3024;
    public const int UpstreamEventTooLong = 3025;
    public const int UpstreamPostFailed = 3026;
    public const int UpstreamMessageTooLong = 3027;
    public const int UpstreamMessageRefused = 3028;

    // 5000 Catalog
    public const int CatalogEntryNotOffered = 5000;
    public const int CatalogFault = 5001;

    // 4000 Exchanges
    public const int ParkExpired = 4000;

    // 6000 Configuration
    public const int ConfigurationReloaded = 6000;
    public const int ConfigurationRefused = 6001;
    public const int ConfigurationNeedsRestart = 6002;
    public const int ConfigurationServerFailed = 6003;

    // 7000 Sessions
    public const int SessionRevived = 7000;
    public const int SessionKeyMade = 7001;
    public const int SessionsCutOff = 7002;

    // 8000 Fronts
    public const int RestFault = 8000;
    public const int ClientStalled = 8001;
    public const int FrontMessageFailed = 8002;
    public const int FleetNotStopped = 8003;
    public const int OwnPortTaken = 8010;
    public const int OwnPortOpen = 8011;

    // 9000 Actors
    public const int ActorFailed = 9000;
    public const int ActorEnded = 9001;
    public const int BackgroundWorkFailed = 9002;

    // 10000 State
    public const int StateNewer = 10000;
    public const int StateMigrated = 10001;
    public const int StateCorrupt = 10002;
    public const int StateUnreadable = 10003;
    public const int StateDiskFull = 10004;
    public const int StateUnwritable = 10005;
    public const int StateWritableAgain = 10006;

    // 11000 Audit
    public const int AuditUnwritable = 11000;
    public const int AuditWritableAgain = 11001;
    public const int AuditUnsound = 11002;

    // 12000 Health
    public const int HealthUnhealthy = 12000;
    public const int HealthGoodAgain = 12001;

    // 13000 Faults
    public const int FaultInjected = 13000;
    public const int FaultEnded = 13001;
    public const int DrillStopped = 13002;
}
