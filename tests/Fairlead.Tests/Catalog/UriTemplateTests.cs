using System.Text;
using Fairlead.Catalog;

namespace Fairlead.Tests.Catalog;

public sealed class UriTemplateTests
{
    [Theory]
    [InlineData("test://template/{id}/data", "test://template/123/data", true)]
    [InlineData("test://template/{id}/data", "test://template/1/2/data", false)]
    [InlineData("test://template/{id}/data", "test://template//data", false)]
    [InlineData("test://template/{id}/data", "test://template/123/data/more", false)]
    [InlineData("file:///{+path}", "file:///a/b/c.txt", true)]
    [InlineData("file:///{path}", "file:///a/b/c.txt", false)]
    [InlineData("{scheme}://{+rest}", "x://a/b", true)]
    [InlineData("a:{x}-{y}", "a:1-2-3", true)]
    [InlineData("a:{x}b{x}b", "a:bbbb", true)]
    [InlineData("db://{table}{?limit,offset}", "db://users", true)]
    [InlineData("db://{table}{?limit,offset}", "db://users?limit=1&offset=2", true)]
    [InlineData("db://{table}{?limit,offset}", "db://users/x?limit=1", false)]
    [InlineData("repo://x{/owner,name}", "repo://x/me", true)]
    [InlineData("repo://x{/owner}", "repo://x", false)]
    [InlineData("a:{x}.{y}", "a:é.ü", true)]
    [InlineData("a:{x}", "a:", false)]
    [InlineData("a:{x}", "", false)]
    public void IsMatch_ForATemplate_FindsUrisThatCanComeFromIt(string template, string uri, bool expected) =>
        Assert.Equal(expected, UriTemplate.Parse(Encoding.UTF8.GetBytes(template))!.IsMatch(Encoding.UTF8.GetBytes(uri)));

    [Theory]
    [InlineData("a:plain")]
    [InlineData("a:{open")]
    [InlineData("a:{}")]
    [InlineData("")]
    public void Parse_WhenItIsNoTemplate_GivesNull(string text) => Assert.Null(UriTemplate.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void IsMatch_WhenTemplateAndUriAreHostile_StillEnds()
    {
        var template = UriTemplate.Parse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{+a}a", 60)) + "!"))!;

        Assert.False(template.IsMatch(Encoding.UTF8.GetBytes(new string('a', UriTemplate.UriBytesMax))));
        Assert.False(template.IsMatch(new byte[UriTemplate.UriBytesMax + 1]));
    }
}
