using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Files in every style, with comments and commas in every place: a change changes what it is for, and loses nothing.</summary>
public sealed class JsonFileFuzzTests
{
    private const int Files = 3000;

    private static readonly JsonDocumentOptions s_reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    [Fact]
    public void SetAndRemove_WhenFilesHaveAnyStyle_ChangeNothingElse()
    {
        for (var seed = 0; seed < Files; seed++)
        {
            var text = new Writer(new Random(seed)).Write();
            var before = Parse(text);
            var file = JsonFile.Parse("f.json", Encoding.UTF8.GetBytes(text), out var problem);
            Assert.True(file is not null, $"seed {seed}: {problem}\n{text}");

            file.Set(["s", "n"], new JsonObject { ["url"] = "u", ["args"] = new JsonArray("1", "2") });
            var set = Encoding.UTF8.GetString(file.Content());
            var expected = (JsonObject)before.DeepClone();
            ((JsonObject)(expected["s"] ??= new JsonObject()))["n"] = new JsonObject { ["url"] = "u", ["args"] = new JsonArray("1", "2") };
            Assert.True(JsonNode.DeepEquals(expected, Parse(set)), $"seed {seed}:\n{text}\nbecame\n{set}");
            Assert.True(Comments(text) == Comments(set), $"seed {seed} lost a comment:\n{text}\nbecame\n{set}");

            file.Remove(["s", "n"]);
            var removed = Encoding.UTF8.GetString(file.Content());
            before["s"] ??= new JsonObject();
            Assert.True(JsonNode.DeepEquals(before, Parse(removed)), $"seed {seed}:\n{set}\nbecame\n{removed}");
            Assert.True(Comments(text) == Comments(removed), $"seed {seed} lost a comment:\n{set}\nbecame\n{removed}");
        }
    }

    [Fact]
    public void Remove_WhenFilesHaveAnyStyle_TakesAwayThatMemberAlone()
    {
        for (var seed = 0; seed < Files; seed++)
        {
            var text = new Writer(new Random(seed)).Write();
            var expected = Parse(text);
            var name = expected.Select(static pair => pair.Key).LastOrDefault();
            if (name is null)
            {
                continue;
            }

            var file = JsonFile.Parse("f.json", Encoding.UTF8.GetBytes(text), out _)!;
            Assert.True(file.Remove([name]));
            expected.Remove(name);
            var removed = Encoding.UTF8.GetString(file.Content());
            Assert.True(JsonNode.DeepEquals(expected, Parse(removed)), $"seed {seed}:\n{text}\nbecame\n{removed}");
        }
    }

    private static JsonObject Parse(string text) => (JsonObject)JsonNode.Parse(text, documentOptions: s_reading)!;

    /// <summary>How many of the numbered comments a text has.</summary>
    private static int Comments(string text) => text.Split("~c", StringSplitOptions.None).Length - 1;

    /// <summary>Writes an object with members in random blanks.</summary>
    private sealed class Writer(Random random)
    {
        private readonly StringBuilder _text = new();
        private readonly string _newLine = random.Next(3) == 0 ? "\r\n" : "\n";
        private readonly bool _isOneLine = random.Next(4) == 0;
        private readonly bool _hasComments = random.Next(2) == 0;
        private readonly string _unit = new[] { "  ", "    ", "\t", "" }[random.Next(4)];

        public string Write()
        {
            Gap(0);
            Object(0, hasServers: true);
            Gap(0);
            return _text.ToString();
        }

        private void Object(int depth, bool hasServers)
        {
            var count = random.Next(4);
            var at = hasServers && random.Next(5) != 0 ? random.Next(count + 1) : -1;
            _text.Append('{');
            for (var i = 0; i < count + (at >= 0 ? 1 : 0); i++)
            {
                Gap(depth + 1);
                _text.Append(CultureInfo.InvariantCulture, $"\"{(i == at ? "s" : $"k{i}")}\"");

                // The reader of .NET takes no comment between a name and its colon.
                _text.Append(' ', random.Next(2)).Append(':');
                Gap(depth + 1);
                if (i == at)
                {
                    Object(depth + 1, hasServers: false);
                }
                else
                {
                    Value(depth + 1);
                }

                Gap(depth + 1);
                var isLast = i == count + (at >= 0 ? 1 : 0) - 1;
                if (!isLast || random.Next(3) == 0)
                {
                    _text.Append(',');
                }
            }

            Gap(depth);
            _text.Append('}');
        }

        private void Value(int depth)
        {
            switch (random.Next(depth > 3 ? 3 : 5))
            {
                case 0:
                    _text.Append(random.Next(100));
                    break;
                case 1:
                    _text.Append("\"a, } // no \\\" comment ü\"");
                    break;
                case 2:
                    _text.Append("null");
                    break;
                case 3:
                    _text.Append('[');
                    Value(depth + 1);
                    _text.Append(", 2 ]");
                    break;
                default:
                    Object(depth, hasServers: false);
                    break;
            }
        }

        private void Gap(int depth)
        {
            if (_hasComments && random.Next(6) == 0)
            {
                _text.Append(" /* ~c, } */ ");
            }

            if (_isOneLine)
            {
                _text.Append(' ', random.Next(2));
                return;
            }

            if (_hasComments && random.Next(8) == 0)
            {
                _text.Append("// ~c \" , }").Append(_newLine);
            }

            if (random.Next(2) == 0)
            {
                _text.Append(_newLine).Insert(_text.Length, _unit, depth);
            }
        }
    }
}
