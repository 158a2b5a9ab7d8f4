namespace Fairlead.Wire;

/// <summary>The objects of a message whose members are looked at.</summary>
internal enum EnvelopeLevel : byte
{
    /// <summary>The root object.</summary>
    Root,

    /// <summary><c>params</c>.</summary>
    Params,

    /// <summary><c>params._meta</c>.</summary>
    ParamsMeta,

    /// <summary><c>result</c>.</summary>
    Result,

    /// <summary><c>result._meta</c>.</summary>
    ResultMeta,

    /// <summary><c>error</c>.</summary>
    Error,

    /// <summary>Any other object: it is skipped.</summary>
    None,
}

/// <summary>The members that an envelope knows, over all levels. Fewer than 32: each is a bit in a set of those seen.</summary>
internal enum EnvelopeMember : byte
{
#pragma warning disable CS1591 // Each is the member's name.
    Other,
    JsonRpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    Name,
    Uri,
    Arguments,
    Cursor,
    RequestId,
    InputResponses,
    RequestState,
    Meta,
    ProgressToken,
    ProtocolVersion,
    ClientCapabilities,
    ClientInfo,
    LogLevel,
    SubscriptionId,
    ResultType,
    TtlMs,
    CacheScope,
    Code,
#pragma warning restore CS1591
}

/// <summary>Which member a name is, by the level it stands on.</summary>
internal static class EnvelopeMembers
{
    /// <summary>Finds a member by its unescaped name; <see cref="EnvelopeMember.Other"/> when the envelope does not know it.</summary>
    public static EnvelopeMember Find(EnvelopeLevel level, ReadOnlySpan<byte> name) => level switch
    {
        EnvelopeLevel.Root => FindRoot(name),
        EnvelopeLevel.Params => FindParams(name),
        EnvelopeLevel.ParamsMeta or EnvelopeLevel.ResultMeta => FindMeta(name),
        EnvelopeLevel.Result => FindResult(name),
        _ => name.SequenceEqual("code"u8) ? EnvelopeMember.Code : EnvelopeMember.Other,
    };

    private static EnvelopeMember FindRoot(ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 2:
                return name.SequenceEqual("id"u8) ? EnvelopeMember.Id : EnvelopeMember.Other;
            case 5:
                return name.SequenceEqual("error"u8) ? EnvelopeMember.Error : EnvelopeMember.Other;
            case 6:
                return name.SequenceEqual("method"u8) ? EnvelopeMember.Method
                    : name.SequenceEqual("params"u8) ? EnvelopeMember.Params
                    : name.SequenceEqual("result"u8) ? EnvelopeMember.Result
                    : EnvelopeMember.Other;
            case 7:
                return name.SequenceEqual("jsonrpc"u8) ? EnvelopeMember.JsonRpc : EnvelopeMember.Other;
            default:
                return EnvelopeMember.Other;
        }
    }

    private static EnvelopeMember FindParams(ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 3:
                return name.SequenceEqual("uri"u8) ? EnvelopeMember.Uri : EnvelopeMember.Other;
            case 4:
                return name.SequenceEqual("name"u8) ? EnvelopeMember.Name : EnvelopeMember.Other;
            case 5:
                return name.SequenceEqual("_meta"u8) ? EnvelopeMember.Meta : EnvelopeMember.Other;
            case 6:
                return name.SequenceEqual("cursor"u8) ? EnvelopeMember.Cursor : EnvelopeMember.Other;
            case 9:
                return name.SequenceEqual("arguments"u8) ? EnvelopeMember.Arguments
                    : name.SequenceEqual("requestId"u8) ? EnvelopeMember.RequestId
                    : EnvelopeMember.Other;
            case 12:
                return name.SequenceEqual("requestState"u8) ? EnvelopeMember.RequestState : EnvelopeMember.Other;
            case 13:
                return name.SequenceEqual("progressToken"u8) ? EnvelopeMember.ProgressToken : EnvelopeMember.Other;
            case 14:
                return name.SequenceEqual("inputResponses"u8) ? EnvelopeMember.InputResponses : EnvelopeMember.Other;
            default:
                return EnvelopeMember.Other;
        }
    }

    private static EnvelopeMember FindMeta(ReadOnlySpan<byte> name)
    {
        // The lengths are those of "io.modelcontextprotocol/" (24) and the word after it.
        switch (name.Length)
        {
            case 13:
                return name.SequenceEqual("progressToken"u8) ? EnvelopeMember.ProgressToken : EnvelopeMember.Other;
            case 32:
                return name.SequenceEqual("io.modelcontextprotocol/logLevel"u8) ? EnvelopeMember.LogLevel : EnvelopeMember.Other;
            case 34:
                return name.SequenceEqual("io.modelcontextprotocol/clientInfo"u8) ? EnvelopeMember.ClientInfo : EnvelopeMember.Other;
            case 38:
                return name.SequenceEqual("io.modelcontextprotocol/subscriptionId"u8) ? EnvelopeMember.SubscriptionId : EnvelopeMember.Other;
            case 39:
                return name.SequenceEqual("io.modelcontextprotocol/protocolVersion"u8) ? EnvelopeMember.ProtocolVersion : EnvelopeMember.Other;
            case 42:
                return name.SequenceEqual("io.modelcontextprotocol/clientCapabilities"u8) ? EnvelopeMember.ClientCapabilities : EnvelopeMember.Other;
            default:
                return EnvelopeMember.Other;
        }
    }

    private static EnvelopeMember FindResult(ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 5:
                return name.SequenceEqual("ttlMs"u8) ? EnvelopeMember.TtlMs
                    : name.SequenceEqual("_meta"u8) ? EnvelopeMember.Meta
                    : EnvelopeMember.Other;
            case 10:
                return name.SequenceEqual("resultType"u8) ? EnvelopeMember.ResultType
                    : name.SequenceEqual("cacheScope"u8) ? EnvelopeMember.CacheScope
                    : EnvelopeMember.Other;
            default:
                return EnvelopeMember.Other;
        }
    }
}
